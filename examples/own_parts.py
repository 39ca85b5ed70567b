"""Parts of answers that the service draws: a chart, a form, a card that moves. Run: uvicorn examples.own_parts:app

Ask for the forecast, to book a table, or to restart the workers.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator

from fasthtml.common import FT, H3, B, Button, Div, Form, Header, Input, Label, P, Progress, Span, to_xml
from fasthtml.svg import Rect, Svg, Text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request as WebRequest
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from htmxchat import (
    Custom,
    LocalBackend,
    PartContext,
    Request,
    Said,
    Starter,
    ToolFinished,
    ToolStarted,
    User,
    chat_lifespan,
    create_chat_app,
)

FORECAST = {"08": 11, "11": 15, "14": 19, "17": 18, "20": 13}
STARTERS = [
    Starter("Weather", "What is the forecast for Oslo?"),
    Starter("Table", "Book a table for us."),
    Starter("Restart", "Restart the workers."),
]
TENTHS = 0.1
booked: dict[str, str] = {}  # a real service has a database


async def respond(request: Request) -> AsyncIterator[Said]:
    if "forecast" in request.text:
        yield ToolStarted("1", "get_forecast", arguments={"city": "Oslo"})
        yield ToolFinished("1", f"{len(FORECAST)} hours", FORECAST)
        yield "It is warmest at two in the afternoon."
    elif "table" in request.text:
        yield "There is room at seven. "
        yield Custom("booking", {"place": "Harbour 4", "at": "19:00"})
    else:
        yield "I restart one after the other. "
        for done in range(41):
            yield Custom("restart", {"done": done, "of": 40}, key="workers")
            await asyncio.sleep(TENTHS)
        yield "All of them are back."


def draw_forecast(hours: dict[str, int], context: PartContext) -> FT:
    """The result of the tool as a chart. FastHTML escapes what the agent wrote."""
    bars = []
    for number, (hour, degrees) in enumerate(hours.items()):
        at, height = number * 60, degrees * 4
        bars += [
            Rect(40, height, at, 100 - height, rx=2, fill="currentColor", opacity="0.6"),
            Text(f"{degrees}°", x=at + 20, y=94 - height, fill="currentColor", font_size=12, text_anchor="middle"),
            Text(hour, x=at + 20, y=116, fill="currentColor", font_size=12, text_anchor="middle"),
        ]
    words = ", ".join(f"{degrees} degrees at {hour}" for hour, degrees in hours.items())
    chart = Svg(*bars, viewBox="0 0 280 120", width=280, role="img", aria_label=words)
    return Div(Header(H3(f"Forecast for {context.arguments['city']}"), Span("today", cls="quiet")), chart)


def draw_booking(table: dict[str, str], context: PartContext) -> FT:
    """A form of the service's. With each load of the page it asks the service whether it was sent already."""
    where = f"/bookings/{context.run_id}"
    return Div(P(B(table["place"]), f", {table['at']}"), Div(booking_form(where), hx_get=where, hx_trigger="load"))


def booking_form(where: str, problem: str = "") -> FT:
    return Form(
        Label("Guests", Input(name="guests", type="number", min=1, max=12, value=2, required=True)),
        P(problem, role="alert") if problem else None,
        Button("Book", type="submit"),
        action=where,
        method="post",
        hx_post=where,
        hx_swap="outerHTML",
    )


def draw_restart(state: dict[str, int], context: PartContext) -> FT:
    """A card that each event of the same key brings up to date in its place."""
    done, of = state["done"], state["of"]
    return Div(
        Header(H3("Restart of the workers"), Span(f"{done} of {of}", cls="num")),
        Progress(value=done, max=of, aria_label="Workers"),
        data_state="running" if done < of else "done",
    )


async def identify(request: WebRequest) -> User | None:
    """Who asks, for the chat and for the routes of the service alike: the browser sends its cookie to both."""
    return User(request.session.setdefault("user", secrets.token_hex(8)))


async def show_booking(request: WebRequest) -> HTMLResponse:
    said = booked.get(await booking_of(request))
    # 204: nothing changes, so the form stays.
    return HTMLResponse(to_xml(P(said))) if said else HTMLResponse(status_code=204)


async def book(request: WebRequest) -> HTMLResponse:
    """Takes the form. Other sites cannot send it: the session's cookie is SameSite=Lax."""
    guests = str((await request.form()).get("guests", ""))
    if guests not in map(str, range(1, 13)):
        form = booking_form(request.url.path, "Say for how many: 1 to 12.")
        return HTMLResponse(to_xml(form), status_code=422)
    booked[await booking_of(request)] = said = f"Booked for {guests}."
    return HTMLResponse(to_xml(P(said)))


async def booking_of(request: WebRequest) -> str:
    """What is booked is the user's: no one else gets at it, whatever run they name."""
    user = await identify(request)
    return f"{user and user.id} {request.path_params['run']}"


async def page(request: WebRequest) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>Meridian</title><p>The service. <a href='chat/'>Ask the agent</a>.")


chat = create_chat_app(
    LocalBackend(respond, starters=STARTERS),
    identify=identify,
    title="Meridian",
    parts={"get_forecast": draw_forecast, "booking": draw_booking, "restart": draw_restart},
)
app = Starlette(
    routes=[
        Route("/", page),
        Route("/bookings/{run}", show_booking),
        Route("/bookings/{run}", book, methods=["POST"]),
        Mount("/chat", chat),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_hex(), same_site="lax")],
    lifespan=chat_lifespan(chat),
)
