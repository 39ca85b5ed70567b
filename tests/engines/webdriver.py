"""A small WebDriver client: one set of commands, spoken to WebKitWebDriver over HTTP and to Firefox over Marionette.

Firefox without a driver of its own speaks the same commands under the names of the standard, as JSON over TCP.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

import httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Enter": "\ue007",
    "Tab": "\ue004",
    "Escape": "\ue00c",
    "ArrowUp": "\ue013",
    "PageUp": "\ue00e",
    "Home": "\ue011",
}

# Of the standard, as far as it is used here.
PATHS = {
    "Navigate": "url",
    "Refresh": "refresh",
    "ExecuteScript": "execute/sync",
    "ExecuteAsyncScript": "execute/async",
    "FindElement": "element",
    "ElementClick": "element/{id}/click",
    "ElementSendKeys": "element/{id}/value",
    "PerformActions": "actions",
    "ReleaseActions": "actions",
    "SetTimeouts": "timeouts",
    "SetWindowRect": "window/rect",
}


class Transport(Protocol):
    def send(self, command: str, **parameters: Any) -> Any: ...

    def close(self) -> None: ...


class WebDriverError(Exception):
    """A command failed; the message is the browser's."""


class Lost(WebDriverError):
    """The browser does not answer any more, and will not."""


class Http:
    """Commands as WebDriver has them over HTTP."""

    def __init__(self, url: str, capabilities: dict[str, Any]) -> None:
        self._client = httpx.Client(base_url=url, timeout=90)
        answer = self._client.post("/session", json={"capabilities": {"alwaysMatch": capabilities}}).json()["value"]
        if "sessionId" not in answer:
            raise WebDriverError(answer.get("message"))
        self._session = answer["sessionId"]
        self.version = f"{answer['capabilities']['browserName']} {answer['capabilities']['browserVersion']}"

    def send(self, command: str, **parameters: Any) -> Any:
        path = PATHS[command].format(id=parameters.pop("id", ""))
        method, body = ("DELETE", None) if command == "ReleaseActions" else ("POST", parameters)
        try:
            answer = self._client.request(method, f"/session/{self._session}/{path}", json=body)
        except httpx.HTTPError as error:
            raise Lost(f"{command}: {error!r}") from error
        value = answer.json()["value"]
        if answer.is_error:
            if value.get("error") == "invalid session id":
                raise Lost(f"{command}: {value}")
            raise WebDriverError(f"{command}: {value.get('message') or value.get('error')}")
        return value

    def close(self) -> None:
        try:
            self._client.delete(f"/session/{self._session}", timeout=10)
        except httpx.HTTPError as error:
            raise Lost(f"DeleteSession: {error!r}") from error
        finally:
            self._client.close()


class Marionette:
    """The same as Firefox takes them: `[0, number, command, parameters]`, answered by `[1, number, error, result]`."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=90)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # it says who it is
        answer = self.send("NewSession", capabilities={"alwaysMatch": {"webSocketUrl": False}})
        self.version = f"Firefox {answer['capabilities']['browserVersion']}"

    def send(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, f"WebDriver:{command}", parameters]).encode()
        try:
            self._socket.sendall(b"%d:%s" % (len(message), message))
            _, _, error, result = self._read()
        except OSError as lost:
            raise Lost(f"{command}: {lost!r}") from lost
        if error:
            raise WebDriverError(f"{command}: {error.get('message')}")
        return result.get("value", result) if isinstance(result, dict) else result

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise Lost("Firefox has closed the connection.")
            length += byte
        return json.loads(self._stream.read(int(length)))

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


class Browser:
    """A browser with one window, in the terms of the tests. Every wait is for a condition.

    Attributes:
        lost: Whether it does not answer any more.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self.name = name
        self.lost = False
        self._send("SetTimeouts", script=90_000, pageLoad=30_000, implicit=0)

    def close(self) -> None:
        self._transport.close()

    def open(self, url: str) -> None:
        """Open a page. A browser on a busy machine may forget to say that it has: it is asked once more."""
        try:
            self._send("Navigate", url=url)
        except Lost:
            raise
        except WebDriverError:
            try:
                self._send("Navigate", url=url)
            except WebDriverError:
                self.lost = True
                raise

    def reload(self) -> None:
        self._send("Refresh")

    def size(self, width: int, height: int) -> None:
        self._send("SetWindowRect", width=width, height=height)

    def run(self, script: str, *arguments: object) -> Any:
        """Return what the function returns or resolves to, given the arguments: `(a, b) => a + b`."""
        body = f"""
            const done = arguments[arguments.length - 1];
            (async () => ({script})(...[...arguments].slice(0, -1)))().then(
                value => done({{ value: value ?? null }}), error => done({{ error: `${{error}}` }}));"""
        answer = self._send("ExecuteAsyncScript", script=body, args=list(arguments))
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def wait(self, script: str, *arguments: object, seconds: float = 40) -> Any:
        """Return what the function returns once that is true."""
        return until(lambda: self.run(script, *arguments), script, seconds)

    def text(self, selector: str) -> str:
        """Return the text of the last element that the selector finds."""
        return str(self.run("s => [...document.querySelectorAll(s)].at(-1)?.innerText ?? ''", selector))

    def click(self, selector: str) -> None:
        """Click the last visible element that the selector finds, as soon as it can be clicked."""
        self.wait(VISIBLE, selector)

        def click() -> bool:
            try:
                self._send("ElementClick", id=self._find(selector))
            except WebDriverError:  # it has just been replaced, or moves
                return False
            return True

        until(click, f"click {selector}", 20)

    def write(self, selector: str, text: str) -> None:
        """Type into an element, key by key; names of keys are those of `KEYS`, in braces: `hello{Enter}`."""
        for name, code in KEYS.items():
            text = text.replace(f"{{{name}}}", code)
        self._send("ElementSendKeys", id=self._find(selector), text=text)

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        actions = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def wheel(self, selector: str, down: int) -> None:
        """Turn the wheel over the middle of an element by so many pixels."""
        origin = {ELEMENT: self._find(selector)}
        turn = {"type": "scroll", "x": 0, "y": 0, "deltaX": 0, "deltaY": down, "origin": origin, "duration": 0}
        self._act({"type": "wheel", "id": "wheel", "actions": [turn]})

    def _send(self, command: str, **parameters: Any) -> Any:
        try:
            return self._transport.send(command, **parameters)
        except Lost:
            self.lost = True
            raise

    def _act(self, device: dict[str, Any]) -> None:
        self._send("PerformActions", actions=[device])
        self._send("ReleaseActions")  # else WebKit takes the same turn of the wheel again for none

    def _find(self, selector: str) -> str:
        mark = "s => [...document.querySelectorAll(s)].filter(it => it.checkVisibility()).at(-1)"
        script = f"return ({mark})(arguments[0])"
        found = self._send("ExecuteScript", script=script, args=[selector])
        assert found, f"there is no visible {selector}"
        return str(found[ELEMENT])


VISIBLE = "s => [...document.querySelectorAll(s)].some(it => it.checkVisibility())"


def until(condition: Callable[[], Any], what: str, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value
