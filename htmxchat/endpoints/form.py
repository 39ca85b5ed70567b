"""Reads the fields of posted forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from ..errors import BadRequest, EmptyText, InvalidInput, TextTooLong

_FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 16
_NOT_UTF_8 = "The text is not valid UTF-8. Type it again without the broken characters."
_SUBMISSION = re.compile("[A-Za-z0-9_-]{1,64}")


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; raises what `Call.form` does."""
    return dict(await read_pairs(request, MAX_FIELDS))


async def read_pairs(request: Request, most: int) -> list[tuple[str, str]]:
    """Return the fields of a form, which may come more than once; `most` is how many it may have."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        raise BadRequest(f"Send a form ({_FORM}).")
    body = await request.body()
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
    except UnicodeDecodeError:
        raise InvalidInput(_NOT_UTF_8) from None
    except ValueError:
        raise BadRequest("The form has too many fields.") from None


def decoded(value: bytes) -> str:
    """Return the text of a field.

    Raises:
        InvalidInput: It is not UTF-8.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(_NOT_UTF_8) from None


def submission_of(form: Mapping[str, str]) -> str | None:
    """Return what the page calls the message that it sends; `None` when it does not say."""
    submission = form.get("submission", "")
    return submission if _SUBMISSION.fullmatch(submission) else None


def usable_text(text: str, limit: int, *, empty: bool = False) -> str:
    """Return the text as it is stored: with LF line ends.

    Raises:
        EmptyText: It has nothing but white space.
        TextTooLong: It has more than `limit` characters.
        InvalidInput: It has NUL or surrogate characters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip() and not empty:
        raise EmptyText
    if len(text) > limit:
        raise TextTooLong(len(text), limit)
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("The text holds characters that cannot be stored (NUL or half a surrogate pair).")
    return text
