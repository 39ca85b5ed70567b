"""Real servers in processes of their own: uvicorn as its users start it, nginx, and PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited too long until {what}"
        time.sleep(0.02)


@dataclass
class Host:
    """A plain `uvicorn app:app`.

    Attributes:
        output: Where what it prints goes.
    """

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def stop(self, signal_number: int = signal.SIGTERM) -> float:
        """Send a signal, and return how many seconds it took until the process was gone."""
        began = time.monotonic()
        self.process.send_signal(signal_number)
        self.process.wait(timeout=PATIENCE)
        return time.monotonic() - began


@contextmanager
def uvicorn(folder: Path, source: str, *options: str, port: int | None = None) -> Iterator[Host]:
    """Run a module with an `app` under uvicorn."""
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(textwrap.dedent(source))
    port = port or free_port()
    output = folder / f"{port}.log"
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), *options],
            cwd=folder, stdout=file, stderr=file, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        )  # fmt: skip
    host = Host(process, port, output)
    try:
        wait_until(lambda: process.poll() is not None or answers(port), "uvicorn answers")
        assert process.poll() is None, host.printed
        yield host
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def nginx_program() -> str | None:
    """Return nginx, wherever Debian or the path has it."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Nginx:
    """nginx with a folder of its own, on loopback only.

    Args:
        http: What stands in its `http` block.
    """

    def __init__(self, program: str, folder: Path, port: int, http: str) -> None:
        self.port = port
        self._errors = folder / "error.log"
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        as_user = "user root;" if os.getuid() == 0 else ""  # whose folder it is
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {self._errors}; {as_user}\n"
            f"events {{ worker_connections 4096; }}\nhttp {{ access_log off;\n{temporary}{http}\n}}\n"
        )
        self._command = [program, "-p", str(folder), "-e", str(self._errors), "-c", f"{folder}/nginx.conf"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def __enter__(self) -> Nginx:
        self._process = subprocess.Popen(self._command)
        wait_until(lambda: self._process.poll() is not None or answers(self.port), "nginx answers")
        assert self._process.poll() is None, self.errors
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def reload(self) -> None:
        """Have new workers take over from the old ones, which finish what they have begun."""
        self._process.send_signal(signal.SIGHUP)


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, wherever Debian or the path has them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Postgres:
    """A PostgreSQL server in a temporary folder, on loopback only. It can be stopped and started again."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="htmxchat-postgres-"))
        self.port = free_port()
        if os.getuid() == 0:  # it refuses to run as root
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._folder}"
        self._run("pg_ctl", "-D", self._data, "-w", "-o", options, "-l", f"{self._folder}/log", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def remove(self) -> None:
        if answers(self.port):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return f"{self._folder}/data"

    def _run(self, program: str, *arguments: str) -> None:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        command = [*as_user, str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)
