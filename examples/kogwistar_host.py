"""A FastAPI service that signs people in by itself and mounts the chat of a kogwistar server.

Run: KOGWISTAR_URL=http://localhost:28110 uvicorn examples.kogwistar_host:app

Here the host holds the tokens: it gets one for each of its users when they sign in, and hands it over with the user.
A host without users of its own lets the server sign people in: examples/kogwistar_login.py.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from htmxchat import LoginPages, Store, User, chat_lifespan, create_chat_app
from htmxchat.agents.kogwistar import KogwistarBackend

URL = os.environ.get("KOGWISTAR_URL", "http://localhost:28110")
LOGIN = '<form method="post"><button>Sign in</button></form>'

# A real host keeps this in its database, and its users' passwords out of it.
people: dict[str, User] = {}


async def identify(request: Request) -> User | None:
    """The host's own session says who asks. The token goes to the server and nowhere else."""
    user = people.get(request.cookies.get("session", ""))
    return user if user and user.expires_at and user.expires_at > datetime.now(UTC) else None


chat = create_chat_app(KogwistarBackend(URL, store=Store()), identify=identify, login=LoginPages("/login"))
app = FastAPI(lifespan=chat_lifespan(chat))
app.mount("/chat", chat)


@app.get("/login", response_class=HTMLResponse)
async def login_form() -> str:
    return f"<!doctype html><title>Sign in</title>{LOGIN}"


@app.post("/login")
async def login() -> RedirectResponse:
    """Stands for the host's own way to get a user's token: a dev server gives one to everyone."""
    async with httpx.AsyncClient(base_url=URL) as server:
        answer = await server.get("/api/auth/login", params={"redirect_uri": "http://host.invalid/"})
        token = httpx.URL(answer.headers["location"]).params["token"]
        me = (await server.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})).json()
    session = secrets.token_urlsafe(32)
    # The id must be the server's: conversations belong to it.
    people[session] = User(me["user_id"], me["display_name"], token, datetime.now(UTC) + timedelta(hours=4))
    response = RedirectResponse("/chat/", status_code=303)
    response.set_cookie("session", session, httponly=True, samesite="lax")
    return response
