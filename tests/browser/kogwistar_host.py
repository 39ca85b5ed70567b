"""A host in front of a kogwistar server, in a process of its own."""

from __future__ import annotations

import argparse
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from htmxchat import Store, User, chat_lifespan, create_chat_app
from htmxchat.agents.kogwistar import KogwistarBackend, Timing

IMPATIENT = Timing(tick=0.1, check=1.0, stuck=3.0, give_up=2.0, resent=1.0, doubt=0.5, turns=0.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--db")
    parser.add_argument("--token")
    parser.add_argument("--workflow", default="debug.rag.v1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()

    async def identify(request: Request) -> User:
        return User("ann", token=options.token)

    store = Store(f"sqlite:///{options.db}")
    backend = KogwistarBackend(options.url, store, workflow_id=options.workflow, timing=IMPATIENT)
    chat = create_chat_app(backend, identify=identify, title="Test chat")
    host = Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))
    listener = socket.create_server(("127.0.0.1", options.port))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(host, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
