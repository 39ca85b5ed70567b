"""The machines of the fleet: processes that can be killed, stopped and started again, nginx, and PostgreSQL."""

from __future__ import annotations

import re
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from tests.doc_blocks import CODE, ROOT
from tests.servers import Host, Nginx, Postgres, free_port, uvicorn

_SOURCE = "from tests.fleet.host import make\napp = make({url!r})\n"
_DEPLOY = ROOT / "docs" / "how-to" / "deploy.md"
_HAS = re.compile(r"^(\d+) Run (?:began|resumed): .*\brun=(\w+)", re.MULTILINE)


def proxied(listen: int, processes: list[int]) -> str:
    """Return what the how-to gives for nginx, for these ports instead of its own."""
    (config,) = [
        code for language, code in CODE.findall(_DEPLOY.read_text()) if language == "nginx" and "upstream" in code
    ]
    config, listens = re.subn(
        r"^ *listen .*\n *http2 .*$", f"    listen 127.0.0.1:{listen};", config, flags=re.MULTILINE
    )
    line = re.compile(r"^ *server 127\.0\.0\.1:\d+(.*)$", re.MULTILINE)
    first, *others = line.finditer(config)
    servers = "\n".join(f"    server 127.0.0.1:{port}{first[1]}" for port in processes)
    assert listens == 1 and {other[1] for other in others} <= {first[1]}, config
    return config[: first.start()] + servers + config[(others or [first])[-1].end() :]


class Site:
    """Everything that serves. Use it as a context manager.

    Attributes:
        killed: The ids of processes that were killed.
        stopped: Those of processes that were asked to stop.
        away: When the database could not be reached, from and to, by `time.monotonic`.
        hosts: The processes that serve now.
    """

    def __init__(self, folder: Path, database: Postgres, nginx: str, processes: int = 3) -> None:
        self.killed: set[int] = set()
        self.stopped: set[int] = set()
        self.away: list[tuple[float, float]] = []
        self.hosts: list[Host] = []
        self.database = database
        self._folder = folder
        self._ports = [free_port() for _ in range(processes)]
        port = free_port()
        self.nginx = Nginx(nginx, folder, port, proxied(port, self._ports))
        self._stack = ExitStack()
        self._used = 0.0

    def __enter__(self) -> Site:
        with self._stack:
            self.hosts = [self._start(number) for number in range(len(self._ports))]
            self._stack.enter_context(self.nginx)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def kill(self, number: int) -> None:
        """End a process without warning, and start it again."""
        self.killed.add(self.hosts[number].process.pid)
        self._replace(number, signal.SIGKILL)

    def stop(self, number: int) -> None:
        """Ask a process to stop, and start it again when it has gone."""
        self.stopped.add(self.hosts[number].process.pid)
        self._replace(number, signal.SIGTERM)

    def restart_database(self) -> None:
        """Stop PostgreSQL, and start it again."""
        began = time.monotonic()
        self.database.stop()
        self.database.start()
        self.away.append((began, time.monotonic()))

    def had(self) -> dict[str, set[int]]:
        """Return which processes had each run."""
        had: dict[str, set[int]] = {}
        for host in self.hosts:
            for process, run in _HAS.findall(host.printed):
                had.setdefault(run, set()).add(int(process))
        return had

    @property
    def printed(self) -> str:
        return "\n".join(host.printed for host in self.hosts)

    @property
    def cpu(self) -> float:
        """Seconds of CPU time that the processes have used, those that are gone included."""
        return self._used + sum(map(_cpu, self.hosts))

    def _replace(self, number: int, signal_number: int) -> None:
        used = _cpu(self.hosts[number])
        self.hosts[number].stop(signal_number)
        self._used += used
        self.hosts[number] = self._start(number)

    def _start(self, number: int) -> Host:
        port, source = self._ports[number], _SOURCE.format(url=self.database.url)
        folder = self._folder / str(number)
        return self._stack.enter_context(uvicorn(folder, source, "--log-level", "warning", port=port))


def _cpu(host: Host) -> float:
    # Linux numbers the CPU clock of each process like this: clock_getcpuclockid(3).
    return time.clock_gettime((~host.process.pid << 3) | 2)
