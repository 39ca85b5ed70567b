"""A host for browser tests, in a process of its own: `python hosts.py --db FILE --port 0`.

Beside the chat at `/chat` are others with other settings, each at its name. They share its origin, and so what a browser
keeps of Python.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import (
    JSON,
    Approval,
    Decision,
    Files,
    InputRequested,
    LocalBackend,
    LoginPages,
    Look,
    Request,
    RunScript,
    Said,
    ScriptProposed,
    Scripts,
    SendFile,
    Share,
    StageChanged,
    Starter,
    Store,
    User,
    chat_lifespan,
    create_chat_app,
)
from htmxchat.agents.stub_files import chart
from htmxchat.backends.stub import StubBackend
from htmxchat.events import decode_body

WORDS = 1_500

NOTICE = {
    "type": "object",
    "description": "The agent writes the notice from this.",
    "properties": {
        "subject": {"type": "string", "title": "Subject", "minLength": 3, "maxLength": 80},
        "reply_to": {"type": "string", "title": "Reply to", "format": "email"},
        "mails": {"type": "integer", "title": "Mails affected", "minimum": 1, "maximum": 100_000},
        "on": {"type": "string", "title": "Send on", "format": "date"},
        "who": {
            "title": "Who gets it",
            "oneOf": [{"const": "late", "title": "Tenants with a late mail"}, {"const": "all", "title": "All tenants"}],
        },
        "page": {"type": "boolean", "title": "Post it on the status page", "default": True},
        "ways": {
            "type": "array",
            "title": "How",
            "items": {"enum": ["mail", "banner", "text"]},
            "minItems": 1,
            "maxItems": 2,
        },
        "text": {"type": "string", "title": "What to say", "maxLength": 2_000},
        "contact": {
            "type": "object",
            "title": "Who can be called",
            "properties": {"name": {"type": "string"}, "phone": {"type": "string", "pattern": "^[0-9 +]{5,20}$"}},
            "required": ["name"],
        },
    },
    "required": ["subject", "reply_to", "on", "who", "ways"],
}
RESTART = {"pool": "eu-west", "batch": 10, "drain_seconds": 30}
RESTART_SCHEMA = {
    "type": "object",
    "properties": {
        "pool": {"enum": ["eu-west", "eu-east"]},
        "batch": {"type": "integer", "minimum": 1, "maximum": 50},
        "drain_seconds": {"type": "integer", "minimum": 0},
    },
    "required": ["pool", "batch"],
}


def words(count: int = WORDS) -> list[str]:
    """Return numbered words with Markdown around some, so that a lost or doubled one shows."""
    out = []
    for number in range(count):
        word = f"w{number}"
        if number % 50 == 25:
            word = f"**{word}**"
        if number % 120 == 60:
            word = f"\n\n- {word}"
        elif number % 60 == 0 and number:
            word = f"\n\n{word}"
        if number % 400 == 399:
            word = f"\n\n```python\n{word} = 1\n```\n\n"
        out.append(word + " ")
    return out


async def respond(request: Request) -> AsyncGenerator[Said, Any]:
    """Answer with an echo, or do what the message says.

    `words N PAUSE` writes N words, `stages N` goes through N stages, `ticks PAUSE` changes stage for ever; `forever`
    never stops; `fail` breaks off; `ask` asks, `ask freely` without choices, `ask form` with a form, `ask leave` for an
    approval, `ask first` before it proposes a script;
    `run JSON` waits for the string to run as Python and says its result, `propose JSON` proposes a list of them;
    `say JSON` answers with the string, `emit JSON` with events, each as a pair of its name and its fields, and continues
    for ever if the last is `"forever"`; `give JSON` sends files, each as a pair of its name and its text. An echo says
    what files came with the message.
    """
    command, _, rest = request.text.partition(" ")
    if command == "say":
        yield json.loads(rest)
        return
    if command == "run":
        result = yield RunScript(json.loads(rest), "The script")
        yield f"{result.state.value}: {result.text}"
        return
    if command == "propose":
        for number, code in enumerate(json.loads(rest)):
            yield ScriptProposed(str(number), code, f"Script {number}")
        yield "Proposed."
        return
    if command == "give":
        yield "Here they are."
        for name, content in json.loads(rest):
            yield SendFile(name, PNG if content == "picture" else content)
        yield "That is all."
        return
    if command == "emit":
        for each in json.loads(rest):
            if each == "forever":
                await asyncio.Event().wait()
            name, values = each
            yield decode_body(name, values)
        return
    match request.text.split():
        case ["words", count, pause]:
            for word in words(int(count)):
                await asyncio.sleep(float(pause))
                yield word
        case ["stages", count]:
            for number in range(int(count)):
                yield StageChanged(f"Stage {number}")
        case ["ticks", pause]:
            for number in range(100_000):
                await asyncio.sleep(float(pause))
                yield StageChanged(f"tick {number}")
        case ["fail"]:
            yield "The first half of"
            await asyncio.sleep(0.1)
            raise RuntimeError("secret detail")
        case ["forever"]:
            number = 0
            while True:
                yield f"w{number} "
                number += 1
                await asyncio.sleep(0.05)
        case ["ask"]:
            answer = yield InputRequested("region", "Which region?", choices=("north", "south"))
            yield f"You chose {answer}."
        case ["ask", "freely"]:
            answer = yield InputRequested("name", "What is its name?")
            yield f"Its name is {answer}."
        case ["ask", "form"]:
            answer = yield InputRequested("notice", "Tell customers about the delay", schema=NOTICE, decline="Decline")
            yield f"The notice: `{json.dumps(answer)}`"
        case ["ask", "leave"]:
            call = Approval("restart_workers", dict(RESTART), RESTART_SCHEMA)
            asked = InputRequested("restart", "Restart the workers of eu-west?", approval=call)
            yield f"The decision: `{json.dumps(Decision.of((yield asked)).answer)}`"
        case ["ask", "first"]:
            yield InputRequested("run", "Shall it run?", choices=("yes", "no"))
            yield (yield RunScript("print(1)", "The script")).text
        case _:
            yield f"Echo: {request.text}"
            for file in request.files:
                yield f"\n\n{file.name} is {file.media_type}, {len(await file.read())} bytes."


LIMITED = Files(max_size=100 * 1024, max_number=3, types=("image/*", "text/*"))
PNG = chart([3, 1, 2])
HOSTILE = "\"><script>alert(1)</script><img src=https://evil.example/x onerror='alert(1)'>"


def signed_out() -> Starlette:
    """Return a chat whose user is never signed in."""

    async def nobody(_request: object) -> None:
        return None

    return create_chat_app(LocalBackend(respond), identify=nobody, login=LoginPages("/login"))


def hostile() -> Starlette:
    """Return a chat whose every word, apart from the answers, is hostile."""

    async def identify(_request: object) -> User:
        return User(HOSTILE, name=HOSTILE)

    return create_chat_app(
        LocalBackend(respond),
        identify=identify,
        title=HOSTILE,
        look=Look(agent=HOSTILE, greeting=HOSTILE, introduction=HOSTILE),
        starters=[Starter(HOSTILE, HOSTILE)],
    )


class Resumable:
    """`respond`, begun again in another process."""

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return respond(request)

    def resume(self, request: Request, _checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        return respond(request)


def others(database: str | None) -> dict[str, Starlette]:
    """Return chats by their name, in addresses, that differ from the first in one setting each."""
    return {
        "resumable": create_chat_app(LocalBackend(Resumable(), Store(database))),
        "signed-out": signed_out(),
        "hostile": hostile(),
        "demo": create_chat_app(StubBackend(pace=0.01)),
        "polling": create_chat_app(LocalBackend(respond), stream="poll"),
        "hurried": create_chat_app(LocalBackend(respond), scripts=Scripts(timeout=1)),
        "limited": create_chat_app(LocalBackend(respond), files=LIMITED),
        "several": create_chat_app(
            LocalBackend({"Fast": respond, "Careful": respond}), starters=[Starter("Greet", "Say hello")]
        ),
        "sharing": create_chat_app(StubBackend(pace=0), share=Share()),
        "without-files": create_chat_app(LocalBackend(respond), files=False),
        "trusting": create_chat_app(LocalBackend(respond), scripts=Scripts(trust=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", help="A file of SQLite, or the URL of a database")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    database = f"sqlite:///{options.db}" if options.db and "://" not in options.db else options.db
    chat = create_chat_app(
        LocalBackend(respond, Store(database)), title="Test chat", starters=[Starter("Greet", "Say hello")]
    )
    beside = others(database)
    mounts = [Mount("/chat", chat), *(Mount(f"/{name}", each) for name, each in beside.items())]
    host = Starlette(routes=mounts, lifespan=chat_lifespan(chat, *beside.values()))
    listener = socket.create_server(("127.0.0.1", options.port))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(host, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
