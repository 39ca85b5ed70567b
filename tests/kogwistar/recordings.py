"""The recorded exchanges with kogwistar servers of two versions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

OLD, NEW = "0.2.4", "0.6.15"
DATA = Path(__file__).parents[1] / "data"
FOLDERS = {OLD: DATA / "kogwistar", NEW: DATA / "kogwistar-0.6.15"}


@dataclass(frozen=True)
class Recording:
    """One exchange: what was asked, and what the server answered."""

    name: str
    method: str
    path: str
    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The frames of a stream, as `{"seq", "event", "data"}`, or the events of a poll in the same form."""
        if "event-stream" not in self.content_type:
            return [
                {"seq": event["seq"], "event": event["event_type"], "data": {**_envelope(event), **event["payload"]}}
                for event in self.json["events"]
            ]
        found = []
        for frame in self.body.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line)
            if "data" in fields:
                found.append({"seq": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
        return found


def _envelope(event: dict[str, Any]) -> dict[str, Any]:
    return {key: event[key] for key in ("run_id", "event_type", "created_at_ms")}


@cache
def recording(number: str, version: str = OLD) -> Recording:
    """Return a recording by its number, `"072"` or `"159_events"`."""
    (path,) = [path for path in FOLDERS[version].iterdir() if path.name.startswith(f"{number}_") or path.stem == number]
    return read(path)


@cache
def read(path: Path) -> Recording:
    data = path.read_bytes()
    name = path.stem if path.parent == FOLDERS[OLD] else f"{NEW}/{path.stem}"
    if path.suffix == ".sse":
        return Recording(name, "GET", "", 200, "text/event-stream", data)
    head, body = re.split(rb"\nHTTP/1.1 ", data, maxsplit=1)
    headers, body = re.split(rb"\r?\n\r?\n", body, maxsplit=1)
    body = re.sub(rb"\n+# status=.*\n*$", b"", body)
    asked = head.decode().split("\n")[0].split(" ")
    kind = re.search(rb"content-type: ([^\r\n]*)", headers)
    return Recording(
        name,
        asked[1],
        asked[2],
        int(headers[:3]),
        kind[1].decode().strip() if kind else "",
        body + b"\n\n" if kind and b"event-stream" in kind[1] else body,
    )


def _paths() -> list[Path]:
    return [path for folder in FOLDERS.values() for path in sorted(folder.iterdir())]


def streams() -> list[Recording]:
    """Return every recording of a run's events."""
    found = [read(path) for path in _paths() if path.suffix in (".http", ".sse")]
    polls = [each for each in found if "/events/poll" in each.path and each.status == 200]
    return [each for each in found if "event-stream" in each.content_type and each.body.strip()] + polls


def about(run_id: str, ending: str = "") -> list[Recording]:
    """Return the recordings of one route of a run: `""` is the run itself, `/steps` its steps."""
    found = [read(path) for path in _paths() if path.suffix == ".http"]
    return [each for each in found if each.status == 200 and each.path.endswith(f"/{run_id}{ending}")]
