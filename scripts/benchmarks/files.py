"""What a large file costs: sent in, sent to its owner, read by the agent, from a folder and from the database."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import PATIENCE, ROOT

_MEGABYTE = 1024 * 1024
_FLAT = 16_384.0  # KB, whatever the file has
_PIECE = 1 * _MEGABYTE
_HEAD = b'--X\r\nContent-Disposition: form-data; name="upload"; filename="large.bin"\r\n\r\n'
_TAIL = b"\r\n--X--\r\n"
_FORM = {"Content-Type": "multipart/form-data; boundary=X"}


def files(quick: bool) -> list[Table]:
    size = (200 if quick else 2_048) * _MEGABYTE
    places = ["folder", "database"]
    found = [_measure(place, size) for place in places]
    rows = [
        Row(
            name,
            [each[name] for each in found],
            "s" if name.endswith("seconds") else "KB",
            limit=_FLAT if name.startswith("more") else None,
            judged=1,
        )
        for name in found[0]
    ]
    return [Table(f"A file of {size // _MEGABYTE:,} MB, one client, SQLite", places, rows)]


def _measure(place: str, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "scripts.benchmarks.files_process", place, folder]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            client = _Client(port)
            client.get(client.upload(_MEGABYTE)[0])  # everything is loaded now
            before = _peak(process.pid)
            id, taken = client.upload(size)
            after = _peak(process.pid)
            given = client.get(id)
            last = _peak(process.pid)
        finally:
            process.kill()
            process.wait()
    return {
        "upload, seconds": taken,
        "download, seconds": given,
        "memory before, peak": before / 1024,
        "more memory for the upload": (after - before) / 1024,
        "more memory for the download": (last - after) / 1024,
    }


class _Client:
    """A browser's cookie, and one request after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        response, _ = self._ask("GET", "/")
        self._cookie = {"Cookie": (response.headers["Set-Cookie"] or "").partition(";")[0]}

    def upload(self, size: int) -> tuple[str, float]:
        """Return the id of a new file, and how long it took."""
        began = time.perf_counter()
        length = str(len(_HEAD) + size + len(_TAIL))
        headers = {**_FORM, **self._cookie, "Content-Length": length}
        response, body = self._ask("POST", "/files", _form(size), headers)
        found = re.search(rb'value="(\w+)"', body)
        if response.status != 200 or found is None:
            raise RuntimeError(f"the upload answered {response.status}: {body[:200]!r}")
        return found[1].decode(), time.perf_counter() - began

    def get(self, id: str) -> float:
        """Read a file to its end, and return how long it took."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.request("GET", f"/files/{id}", headers=self._cookie)
        response = connection.getresponse()
        while response.read(_PIECE):
            pass
        connection.close()
        return time.perf_counter() - began

    def _ask(
        self, method: str, path: str, body: Iterator[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        found = response, response.read()
        connection.close()
        return found


def _form(size: int) -> Iterator[bytes]:
    yield _HEAD
    for number in range(size // _PIECE):
        yield number.to_bytes(8, "big") * (_PIECE // 8)
    yield _TAIL


def _peak(pid: int) -> int:
    """Return the most bytes of memory that a process has occupied."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
