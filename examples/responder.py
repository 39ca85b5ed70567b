"""A responder in ten lines: an async generator that yields Markdown. Run: uvicorn examples.responder:app"""

from collections.abc import AsyncIterator

from htmxchat import LocalBackend, Request, create_chat_app


async def respond(request: Request) -> AsyncIterator[str]:
    words = request.text.split()
    yield f"You wrote **{len(words)} words**:\n\n"
    for word in words:
        yield f"- `{word}`\n"


app = create_chat_app(LocalBackend(respond), title="Words")
