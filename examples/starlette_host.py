"""A Starlette service with the chat at /chat. Run: uvicorn examples.starlette_host:app"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from htmxchat import StubBackend, chat_lifespan, create_chat_app

chat = create_chat_app(StubBackend(), title="Meridian")


async def home(request: Request) -> Response:
    return PlainTextResponse("The service. Its chat is at /chat/.")


app = Starlette(
    routes=[Route("/", home), Mount("/chat", chat)],
    # Optional: without it everything starts when first used.
    lifespan=chat_lifespan(chat),
)
