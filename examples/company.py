"""The chat as a part of a company's own product, in light and dark. Run: uvicorn examples.company:app, then open /desk/

Tidewater is a freight desk. Its logo, header, footer, empty page, colours, shapes, starters and cards are its own. Two
agents answer, and functions draw shipments, rates and routes. The agents are scripted: there is no model.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fasthtml.common import FT, H2, A, B, Div, Figcaption, Figure, Li, Nav, Ol, P, Small, Span, Ul
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from htmxchat import (
    InputRequested,
    LocalBackend,
    Look,
    PartContext,
    Request,
    Said,
    Source,
    SourcesFound,
    Starter,
    ToolFinished,
    ToolStarted,
    User,
    chat_lifespan,
    create_chat_app,
)

SHIPMENTS: dict[str, dict[str, Any]] = {
    "TW-2041": {
        "cargo": "Coffee, 2 containers",
        "ports": ["Santos", "Tangier", "Rotterdam"],
        "at": 1,
        "due": "14 March",
    },
    "TW-1987": {"cargo": "Machine parts", "ports": ["Busan", "Singapore", "Hamburg"], "at": 2, "due": "3 March"},
    "TW-2106": {"cargo": "Olive oil", "ports": ["Piraeus", "Le Havre"], "at": 0, "due": "27 March"},
}
CHEAPEST = """\
**Consolidated** is the cheapest, and takes six days longer. If the oil must be there before the 20th, take the train
from Genoa.
"""
RATES = {"Tidewater Express": 2140, "Consolidated": 1480, "Rail from Genoa": 1910}

# A real service has these in a folder, served by StaticFiles.
FILES = {
    "logo.svg": """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <rect width="32" height="32" rx="9" fill="#0b5563"/>
  <g fill="none" stroke="#f4c98b" stroke-width="3" stroke-linecap="round">
    <path d="M6 20q5-5 10 0t10 0M6 14q5-5 10 0t10 0"/>
  </g>
</svg>
""",
    "desk.css": """\
:root {
  --chat-font: Seravek, "Gill Sans Nova", Ubuntu, Calibri, "DejaVu Sans", source-sans-pro, sans-serif;
  --chat-radius: 0.625rem;
  --chat-page: light-dark(#fffdf9, #10191c);
  --chat-room: light-dark(#f8f3ea, #0c1417);
  --chat-tint: light-dark(#f3ebde, #1b282c);
  --chat-line: light-dark(#e6dccb, #2a393e);
  --chat-edge: light-dark(#958a78, #687b82);
  --chat-text: light-dark(#1d2a2e, #eef0ec);
  --chat-text-2: light-dark(#43545a, #c3cbca);
  --chat-text-3: light-dark(#5d6668, #9fabad);
  --chat-accent: light-dark(#0b5563, #7fd3d9);
  --chat-on-accent: light-dark(#fff, #06262c);
}
.host-header { color: #f6efe2; background: #0b3a45; }
.desk-bar { display: flex; align-items: center; gap: 0.25rem 1.25rem; padding: 0.625rem 1rem; font: var(--chat-ui); }
.desk-bar a { color: inherit; text-decoration: none; padding-block: 0.25rem; border-block-end: 2px solid transparent; }
.desk-bar a:is(:hover, :focus-visible) { border-color: currentColor; }
.desk-bar a[aria-current] { border-color: #f4c98b; }
.desk-bar .name {
  margin-inline-end: 0.75rem; font: 600 1.0625rem/1.5rem var(--chat-font); letter-spacing: 0.01em; border: 0;
}
.desk-bar .late {
  margin-inline-start: auto; padding: 0.125rem 0.625rem; white-space: nowrap;
  color: #3a2205; background: #f4c98b; border-radius: 1rem;
}
.desk-foot { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; padding: 0.375rem 1rem; }
.host-footer {
  font: var(--chat-meta); color: var(--chat-text-3);
  background: var(--chat-room); border-block-start: 1px solid var(--chat-line);
}
.host-footer a { color: inherit; text-decoration: underline; }
.desk-hello p { margin-block-start: 0.25rem; color: var(--chat-text-2); }
.desk-now {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr)); gap: 0.75rem;
  margin-block-start: 1.25rem;
}
.desk-now li {
  display: grid; align-content: start; gap: 0.125rem; padding: 0.75rem; font: var(--chat-ui);
  background: var(--chat-room); border: 1px solid var(--chat-line); border-radius: var(--chat-radius);
}
.desk-now span { color: var(--chat-text-2); }
.desk-now small { font: var(--chat-meta); color: var(--chat-text-3); }
.desk-route { display: flex; margin: 0.75rem 0 0.25rem; padding: 0; }
.desk-route li {
  flex: 1; display: grid; gap: 0.375rem; margin: 0;
  font: var(--chat-meta); color: var(--chat-text-3); list-style: none;
}
.desk-route li::before {
  content: ""; block-size: 0.375rem; background: var(--chat-line); border-radius: 0.25rem; margin-inline-end: 0.25rem;
}
.desk-route .done { color: var(--chat-text); }
.desk-route .done::before { background: var(--chat-accent); }
.desk-facts { display: flex; flex-wrap: wrap; gap: 0 1.25rem; font: var(--chat-ui); color: var(--chat-text-2); }
.desk-rates { display: grid; gap: 0.375rem; }
.desk-rates li {
  position: relative; display: flex; justify-content: space-between; padding: 0.375rem 0.625rem; list-style: none;
}
.desk-rates li > * { position: relative; }
.desk-rates li::before {
  content: ""; position: absolute; inset: 0 auto 0 0; inline-size: var(--share, 100%);
  background: var(--chat-tint); border-radius: calc(var(--chat-radius) / 2);
}
.desk-rates .s6::before { --share: 66%; } .desk-rates .s8::before { --share: 84%; }
.card figcaption { font: var(--chat-meta); color: var(--chat-text-3); margin-block-end: 0.375rem; }
@media (max-width: 40rem) {
  .desk-bar { flex-wrap: wrap; } .desk-bar a:not(.name) { display: none; } .desk-foot span { display: none; }
}
""",
}
TYPES = {"svg": "image/svg+xml", "css": "text/css"}


async def quick(request: Request) -> AsyncIterator[Said]:
    """Answers from what the desk has at hand."""
    text = request.text.lower()
    code = next((code for code in SHIPMENTS if code.lower() in text), "")
    if "rate" in text or "cost" in text:
        yield ToolStarted("1", "compare_rates", "Piraeus to Rotterdam, one container")
        await asyncio.sleep(0)
        yield ToolFinished("1", "3 offers", RATES)
        async for word in spoken(CHEAPEST):
            yield word
    elif code:
        yield ToolStarted("1", "track_shipment", code, {"code": code})
        await asyncio.sleep(0)
        yield ToolFinished("1", "found", {"code": code, **SHIPMENTS[code]})
        due = SHIPMENTS[code]["due"]
        async for word in spoken(f"**{code}** is on its way and due on {due} [1]. Nothing is held at customs.\n"):
            yield word
        yield SourcesFound((Source("Vessel positions", "https://tidewater.example/positions", "09:10 today"),))
    else:
        async for word in spoken("I know shipments, rates and delays. Try `TW-2041`."):
            yield word


async def careful(request: Request) -> AsyncIterator[Said]:
    """Explains, and asks before it does anything."""
    yield ToolStarted("1", "read_port_notices", "Tangier, this week")
    await asyncio.sleep(0)
    yield ToolFinished("1", "2 notices")
    words = """\
The coffee waits in **Tangier**: two berths are closed until Thursday.

```route
Santos -> Tangier: waits 3 days -> Rotterdam
```

| | Planned | Now |
|---|--:|--:|
| Tangier | 6 March | 9 March |
| Rotterdam | 11 March | 14 March |

> [!NOTE]
> The roaster has asked to be told of anything later than two days.
"""
    async for word in spoken(words):
        yield word
    answer = yield InputRequested("tell", "Shall I tell the roaster?", ("Write to them", "Not yet"))
    yield "\n\nI have put a message into your outbox." if answer == "Write to them" else "\n\nI will leave it to you."


async def spoken(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        yield f"{word} "
        await asyncio.sleep(0.02)


def draw_shipment(shipment, context: PartContext) -> FT:
    ports = [Li(port, cls="done" if place <= shipment["at"] else None) for place, port in enumerate(shipment["ports"])]
    facts = [Span(str(shipment["cargo"])), Span("Due ", B(str(shipment["due"])))]
    return Div(B(str(shipment["code"])), Ol(*ports, cls="desk-route"), P(*facts, cls="desk-facts"))


def draw_rates(rates, context: PartContext) -> FT:
    share = {1480: "s6", 1910: "s8"}
    offers = [Li(Span(name), B(f"{price:,} EUR"), cls=share.get(price)) for name, price in rates.items()]
    return Figure(Figcaption("One container, Piraeus to Rotterdam"), Ul(*offers, cls="desk-rates"))


def draw_route(text: str, context: PartContext) -> FT:
    stops = [stop.strip() for stop in text.split("->")]
    late = next((place for place, stop in enumerate(stops) if ":" in stop), len(stops))
    return Ol(*[Li(stop, cls="done" if place <= late else None) for place, stop in enumerate(stops)], cls="desk-route")


def header(user: User | None) -> FT:
    places = [A("Shipments", href="/"), A("Desk", href="/desk/", aria_current="page"), A("Rates", href="/")]
    return Nav(A("Tidewater", href="/", cls="name"), *places, Span("1 shipment is late", cls="late"), cls="desk-bar")


def empty(user: User) -> FT:
    now = [
        Li(B(code), Span(each["ports"][0], " to ", each["ports"][-1]), Small(f"Due {each['due']}"))
        for code, each in SHIPMENTS.items()
    ]
    return Div(
        H2("Where is your cargo?"),
        P("The desk knows your shipments, what other ways cost, and why something is late."),
        Ul(*now, cls="desk-now"),
        cls="desk-hello",
    )


async def file(request: Asked) -> Response:
    name = request.path_params["name"]
    return Response(FILES[name], media_type=TYPES[name.rpartition(".")[2]]) if name in FILES else HTMLResponse("", 404)


async def start(request: Asked) -> Response:
    return RedirectResponse(request.scope["root_path"] + "/desk/")


desk = create_chat_app(
    LocalBackend({"Quick": quick, "Careful": careful}),
    title="Freight desk",
    look=Look(
        agent="The desk",
        stylesheets=["/files/desk.css"],
        logo="/files/logo.svg",
        favicon="/files/logo.svg",
        header=header,
        footer=P(Span("Times are those of the port."), A("How the desk answers", href="/"), cls="desk-foot"),
        empty=empty,
    ),
    starters=[
        Starter("Track", "Where is TW-2041?"),
        Starter("Compare", "Compare rates from Piraeus to Rotterdam."),
    ],
    parts={"track_shipment": draw_shipment, "compare_rates": draw_rates, "```route": draw_route},
    inspector=False,
    scripts=False,
)
app = Starlette(
    routes=[Route("/", start), Route("/files/{name}", file), Mount("/desk", desk)],
    lifespan=chat_lifespan(desk),
)
