"""A FastAPI service that keeps its own login; the chat asks it who is there. Run: uvicorn examples.fastapi_host:app"""

import secrets
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

from htmxchat import LoginPages, StubBackend, User, chat_lifespan, create_chat_app

LOGIN = '<form method="post"><label>Your name <input name="name" required></label> <button>Sign in</button></form>'


async def identify(request: Request) -> User | None:
    """The host's own session says who asks: the chat keeps no accounts."""
    name = request.session.get("user")
    return User(id=name, name=name) if name else None


chat = create_chat_app(StubBackend(), identify=identify, login=LoginPages("/login", "/logout"), title="Meridian")
app = FastAPI(lifespan=chat_lifespan(chat))
app.add_middleware(SessionMiddleware, secret_key=secrets.token_hex(), same_site="lax")
app.mount("/chat", chat)


@app.get("/login", response_class=HTMLResponse)
async def login_form() -> str:
    return f"<!doctype html><title>Sign in</title>{LOGIN}"


@app.post("/login")
async def login(request: Request, name: Annotated[str, Form()], next: str = "") -> RedirectResponse:
    """The form is posted to its own address, so it has `next`; as anybody can write one, only the chat's will do."""
    request.session["user"] = name
    chat_url = request.scope["root_path"] + "/chat/"
    return RedirectResponse(next if next.startswith(chat_url) else chat_url, status_code=303)


@app.get("/logout")
async def logout(request: Request) -> RedirectResponse:
    request.session.clear()
    return RedirectResponse(request.scope["root_path"] + "/login", status_code=303)


@app.get("/items/{item}")
async def item(item: str) -> dict[str, str]:
    """A route of the host's own; the chat changes nothing about it."""
    return {"item": item}
