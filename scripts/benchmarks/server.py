"""A server in a process of its own, and what it uses. Linux only."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds that any answer may take


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came through one stream: the whole response, as its socket gave it."""

    wire: int
    messages: int
    seconds: float


class Server:
    """Starts `hosts.py` with the arguments given. Use it as a context manager."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "scripts.benchmarks.hosts", *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu(self) -> float:
        """Return the seconds of CPU time, user and system, that the process has used in all its threads."""
        # Linux numbers the CPU clock of each process like this (clock_getcpuclockid(3)); unlike /proc it is exact.
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self) -> int:
        """Return the bytes of memory that the process occupies."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def ask(self, text: str) -> tuple[str, str]:
        """Send a message; return the paths of the conversation and of the run's stream."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("POST", "/chat/messages", urlencode({"text": text}), headers)
        response = connection.getresponse()
        response.read()
        location = response.headers["Location"]
        connection.close()
        conversation, _, turn = location.partition("#turn-")
        return conversation, f"/chat/runs/{turn}/stream"

    def get(self, path: str) -> tuple[int, float]:
        """Return the size of a page, and the seconds that it took."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status}")
        return len(body), time.perf_counter() - began

    def follow(self, path: str) -> Streamed:
        """Read a stream to its end."""
        began = time.perf_counter()
        wire = messages = 0
        tail = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            while chunk := connection.recv(1 << 16):
                wire += len(chunk)
                window = tail + chunk
                messages += window.count(b"\n\n")
                tail = chunk[-1:]
        return Streamed(wire, messages, time.perf_counter() - began)
