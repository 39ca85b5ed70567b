"""What the body of an error says, in the forms that servers and their frameworks give it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error says.

    Attributes:
        codes: Its codes and types, as one text.
        request_id: What the server calls the request.
    """

    message: str = ""
    codes: str = ""
    request_id: str = ""


def read_error(value: object) -> ErrorBody:
    """Return what parsed JSON says: a text, an object, or a list of objects."""
    if isinstance(value, list):
        value = next((each for each in value if isinstance(each, dict)), "")
    if isinstance(value, str):
        return ErrorBody(value)
    if not isinstance(value, dict):
        return ErrorBody()
    if isinstance(inner := value.get("error"), dict | str | list) and inner:
        return read_error(inner)
    codes = " ".join(str(value[key]) for key in ("code", "type", "status") if isinstance(value.get(key), str | int))
    message = value.get("message") or value.get("detail") or value.get("msg")
    if isinstance(message, dict):
        message = message.get("message") or message.get("detail") or message.get("error") or str(message)
    if isinstance(message, list):
        message = "; ".join(map(_problem, message))
    request_id = value.get("request_id")
    texts = (each if isinstance(each, str) else "" for each in (message, codes, request_id))
    return ErrorBody(*texts)


def _problem(item: Any) -> str:
    """Return one entry of a list of validation errors as text."""
    if not isinstance(item, dict):
        return str(item)
    place = item.get("loc")
    where = ".".join(str(each) for each in place if each != "body") if isinstance(place, list) else ""
    return f"{where}: {item.get('msg', '')}" if where else str(item.get("msg", ""))
