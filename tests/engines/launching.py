"""Starts the engines that Debian has, without a window that anybody sees."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from tests.engines.webdriver import Browser, Http, Marionette, WebDriverError, until

# Nothing that a browser asks the world by itself; a pointer, which Firefox does not have without a screen.
PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,
    "ui.primaryPointerCapabilities": 6,
    "ui.allPointerCapabilities": 6,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


def missing(engine: str) -> str:
    """Return what to install for an engine, or nothing."""
    wanted = {
        "firefox": {"firefox-esr": "firefox-esr"},
        "webkit": {"WebKitWebDriver": "webkit2gtk-driver", "Xvfb": "xvfb"},
    }
    return " ".join(package for command, package in wanted[engine].items() if not shutil.which(command))


class Engine:
    """A browser that is started when it is wanted, and again when it does not answer any more."""

    def __init__(self, launch: Callable[[], AbstractContextManager[Browser]]) -> None:
        self._launch = launch
        self._running = ExitStack()
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        if self._browser is None or self._browser.lost:
            self.stop()
            self._browser = self._running.enter_context(self._launch())
        return self._browser

    def stop(self) -> None:
        with suppress(WebDriverError):  # it is gone already, or will be with its process
            self._running.close()


@contextmanager
def firefox(profile: Path, **preferences: bool | int | str) -> Iterator[Browser]:
    values = ({**PREFERENCES, **preferences}).items()
    lines = [f"user_pref({quoted(name)}, {quoted(value)});" for name, value in values]
    (profile / "user.js").write_text("\n".join(lines))
    command = ["firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    environment = {**os.environ, "HOME": str(profile), "MOZ_HEADLESS_WIDTH": "1280", "MOZ_HEADLESS_HEIGHT": "900"}
    with running(command, environment):
        port = profile / "MarionetteActivePort"
        until(lambda: port.exists() and port.read_text().strip(), "Firefox starts", 60)
        transport = Marionette(int(port.read_text()))
        browser = Browser(transport, transport.version)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def webkit(home: Path) -> Iterator[Browser]:
    read, write = os.pipe()
    screen = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with running(screen, dict(os.environ), pass_fds=(write,)):
        os.close(write)
        with os.fdopen(read) as pipe:
            display = pipe.readline().strip()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {**os.environ, "DISPLAY": f":{display}", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
        environment.pop("WAYLAND_DISPLAY", None)
        with running(["WebKitWebDriver", f"--port={port}"], environment):
            until(lambda: listens(port), "WebKitWebDriver starts", 30)
            browsers = sorted(Path("/usr/lib").glob("*/webkit*gtk-*/MiniBrowser"))
            options = {"binary": str(browsers[-1]), "args": ["--automation"]}
            transport = Http(f"http://127.0.0.1:{port}", {"webkitgtk:browserOptions": options})
            browser = Browser(transport, transport.version)
            try:
                browser.size(1280, 880)
                yield browser
            finally:
                browser.close()


@contextmanager
def running(command: list[str], environment: dict[str, str], pass_fds: tuple[int, ...] = ()) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, pass_fds=pass_fds)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def quoted(value: bool | int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
