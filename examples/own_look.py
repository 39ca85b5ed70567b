"""The chat in a service's own colours, with its marks and words. Run: uvicorn examples.own_look:app, then open /chat/

Who is in STAFF sees the inspector; everyone else sees what the agent says, and which tools it used.
"""

from fasthtml.common import FT, H2, A, Nav, P
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from htmxchat import LoginPages, Look, StubBackend, User, chat_lifespan, create_chat_app

STAFF = {"ann"}

# A real service has these in a folder, served by StaticFiles. The image looks at the reader's theme by itself.
FILES = {
    "logo.svg": """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
  <style>path { fill: #0a6b4f } @media (prefers-color-scheme: dark) { path { fill: #6fd6b0 } }</style>
  <path d="M4 20V4h4l4 7 4-7h4v16h-4v-9l-4 7-4-7v9z"/>
</svg>
""",
    "brand.css": """\
:root { --chat-accent: light-dark(#0a6b4f, #6fd6b0); --chat-on-accent: light-dark(#fff, #04231a) }
.host-header nav { display: flex; gap: 1rem; padding: 0.5rem 1rem; border-block-end: 1px solid var(--chat-line) }
.host-header a:first-child { margin-inline-end: auto; font-weight: 600 }
.host-footer p { padding: 0.25rem 1rem; color: var(--chat-text-3); border-block-start: 1px solid var(--chat-line) }
""",
}
TYPES = {"svg": "image/svg+xml", "css": "text/css"}


async def file(request: Request) -> Response:
    name = request.path_params["name"]
    return Response(FILES[name], media_type=TYPES[name.rpartition(".")[2]]) if name in FILES else Response("", 404)


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>Meridian</title><p>The service. <a href='chat/'>Ask the agent</a>.")


async def identify(request: Request) -> User | None:
    """Stands for the service's own sign-in: `/sign-in` says that you are Ann."""
    name = request.cookies.get("who")
    return User(name, name.title()) if name else None


async def sign_in(request: Request) -> Response:
    chat_url = request.scope["root_path"] + "/chat/"
    back = request.query_params.get("next", "")
    response = RedirectResponse(back if back.startswith(chat_url) else chat_url, status_code=303)
    response.set_cookie("who", request.query_params.get("as", "ann"), httponly=True, samesite="lax")
    return response


async def sign_out(request: Request) -> Response:
    response = RedirectResponse(request.scope["root_path"] + "/", status_code=303)
    response.delete_cookie("who")
    return response


def header(user: User | None) -> FT:
    return Nav(
        A("Meridian", href="/"), A("Runbooks", href="/runbooks"), A("On call", href="/on-call") if user else None
    )


look = Look(
    stylesheets=["/static/brand.css"],
    logo="/static/logo.svg",
    favicon="/static/logo.svg",
    header=header,
    footer=P("Answers can be wrong. Check before you restart anything."),
    empty=lambda user: [H2(f"What is broken, {user.name}?"), P("The agent knows the runbooks and the last deploys.")],
)
chat = create_chat_app(
    StubBackend(),
    identify=identify,
    login=LoginPages("/sign-in", "/sign-out"),
    title="Meridian",
    look=look,
    inspector=lambda user: user.id in STAFF,
)
app = Starlette(
    routes=[
        Route("/", page),
        Route("/static/{name}", file),
        Route("/sign-in", sign_in),
        Route("/sign-out", sign_out),
        Mount("/chat", chat),
    ],
    lifespan=chat_lifespan(chat),
)
