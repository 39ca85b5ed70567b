"""A page of the host's own that shows what the user last asked. Run: uvicorn examples.own_page:app, then open /desk"""

import secrets
from datetime import UTC, datetime
from string import Template

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from htmxchat import LoginPages, StubBackend, User, chat_context, chat_lifespan, create_chat_app
from htmxchat.fragments import history_items, sprite, transcript
from htmxchat.html import render

PAGE = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The desk</title>
<link rel="stylesheet" href="$style">
<link rel="stylesheet" href="$turns_style">
<style>
  body { margin: 0; color: var(--chat-text); font: var(--chat-ui) }
  .desk { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 2rem; margin: 2rem }
  .desk h1 { margin: 0; font: var(--chat-title) }
  .desk section:first-child > * + * { margin-top: 1rem }
  .desk nav a { display: flex; gap: 1rem }
</style>
$icons
<main class="desk">
  <section>
    <h1>The desk</h1>
    <p>Two deploys today. The board is green.</p>
    <nav class="htmxchat" aria-label="What you asked">$conversations</nav>
    <p class="htmxchat"><a class="button" href="$new">Ask something new</a></p>
  </section>
  <section class="htmxchat" aria-label="Your last conversation">$turns</section>
</main>
</html>
""")


async def identify(request: Request) -> User | None:
    """The host's session says who asks, in the chat as on the desk."""
    return User(request.session["user"]) if "user" in request.session else None


backend = StubBackend()
chat = create_chat_app(backend, identify=identify, login=LoginPages("/desk"), title="Meridian")


async def desk(request: Request) -> HTMLResponse:
    user = User(request.session.setdefault("user", secrets.token_hex()))
    context = chat_context(chat, request.scope["root_path"] + "/chat")
    latest = await backend.list_conversations(user, limit=5)
    turns = []
    if latest.items:
        turns = transcript(await backend.load_transcript(user, latest.items[0].id), context)
    page = PAGE.substitute(
        style=context.urls.static("css/chat.css"),
        turns_style=context.urls.static("css/turns.css"),
        icons=render(sprite()),
        conversations=render(history_items(latest, urls=context.urls, now=datetime.now(UTC))),
        new=context.urls.home(),
        turns=render(turns),
    )
    return HTMLResponse(page)


app = Starlette(
    routes=[Route("/desk", desk), Mount("/chat", chat)],
    middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_hex())],
    lifespan=chat_lifespan(chat),
)
