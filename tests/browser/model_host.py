"""A host with a scripted model behind an OpenAI-compatible API, both in one process: `python model_host.py --port 0`.

The model proposes Python, and then says its result.
"""

from __future__ import annotations

import argparse
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route

from htmxchat import LocalBackend, chat_lifespan, create_chat_app
from htmxchat.agents import openai, run_python

CODE = """\
import struct, zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

class Grey:
    def _repr_png_(self):
        rows = b"".join(b"\\0" + bytes(range(0, 256, 32)) for _ in range(8))
        head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        return b"\\x89PNG\\r\\n\\x1a\\n" + body

print(6 * 7)
Grey()
"""


async def complete(request: Request) -> StreamingResponse:
    """Answer as a model that uses the tool once."""
    messages = (await request.json())["messages"]
    return StreamingResponse(_events(_deltas(messages)), media_type="text/event-stream")


def _deltas(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    results = [each["content"] for each in messages if each["role"] == "tool"]
    if not results:
        arguments = json.dumps({"code": CODE, "title": "A number and a picture"})
        function = {"name": "run_python", "arguments": arguments}
        return [{"content": "Let me compute."}, {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}]
    number = next(line for line in results[-1].splitlines() if line.isdigit())
    shown = messages[-1]["content"] if isinstance(messages[-1]["content"], list) else []
    pictures = [each for each in shown if each["type"] == "image_url"]
    return [{"content": f"The number is {number}, "}, {"content": f"and I see {len(pictures)} picture."}]


async def _events(deltas: list[dict[str, Any]]) -> AsyncIterator[str]:
    finish: dict[str, Any] = {"delta": {}, "finish_reason": "stop"}
    for choice in [*({"delta": delta} for delta in deltas), finish]:
        yield f"data: {json.dumps({'choices': [choice]})}\n\n"
    yield "data: [DONE]\n\n"


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port))
    port = listener.getsockname()[1]
    agent = openai(f"http://127.0.0.1:{port}/v1", model="scripted", tools=[run_python], sees=True)
    chat = create_chat_app(LocalBackend(agent), title="Test chat")
    routes = [Route("/v1/chat/completions", complete, methods=["POST"]), Mount("/chat", chat)]
    host = Starlette(routes=routes, lifespan=chat_lifespan(chat))
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(host, log_level="warning", timeout_graceful_shutdown=1)).run(sockets=[listener])


if __name__ == "__main__":
    main()
