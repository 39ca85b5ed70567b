"""The icons of the page, as one SVG sprite. Drawn on a grid of 16; `html.icon` shows one by name."""

from __future__ import annotations

from ..html import FT, raw, tag
from ..kinds import checked

_SHAPES = {
    "plus": '<path d="M8 3.25v9.5M3.25 8h9.5"/>',
    "search": '<circle cx="7" cy="7" r="4"/><path d="m10 10 3.25 3.25"/>',
    "send": '<path d="M8 13V3.25M4.25 7 8 3.25 11.75 7"/>',
    "down": '<path d="M8 3v9.75M4.25 9 8 12.75 11.75 9"/>',
    "up": '<path d="M8 13V3.25M4 7 8 3 12 7"/>',
    "stop": '<rect x="4.25" y="4.25" width="7.5" height="7.5" rx="1"/>',
    "copy": '<rect x="6" y="6" width="7.25" height="7.25" rx="1.5"/>'
    '<path d="M10 6V4.25a1.5 1.5 0 0 0-1.5-1.5H4.25a1.5 1.5 0 0 0-1.5 1.5V8.5a1.5 1.5 0 0 0 1.5 1.5H6"/>',
    "check": '<path d="m3.25 8.5 3.25 3.25 6.25-7"/>',
    "retry": '<path d="M12.75 8A4.75 4.75 0 1 1 11.3 4.6l1.45 1.4M12.75 2.75V6H9.5"/>',
    "cross": '<path d="m4.25 4.25 7.5 7.5M11.75 4.25l-7.5 7.5"/>',
    "chevron": '<path d="m6.25 3.75 4.25 4.25-4.25 4.25"/>',
    "alert": '<circle cx="8" cy="8" r="5.5"/><path d="M8 5.25v3.25M8 10.75v.01"/>',
    "note": '<circle cx="8" cy="8" r="5.5"/><path d="M8 7.5v3.25M8 5.25v.01"/>',
    "tip": '<path d="M6.25 11.25v-1a3.75 3.75 0 1 1 3.5 0v1zM6.75 13.5h2.5"/>',
    "warning": '<path d="M8 2.75 14 13H2zM8 6.5v3M8 11.25v.01"/>',
    "history": '<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.25l2.25 1.25"/>',
    "chat": '<path d="M2.75 3.25h10.5v7.5H8.25L5.25 13.25v-2.5h-2.5z"/>',
    "inspect": '<path d="M1.75 8h2.75l2-4.75 3 9.5 2-4.75h2.75"/>',
    "script": '<path d="M2.75 4.25 6.5 8l-3.75 3.75M8.25 12h5"/>',
    "pause": '<path d="M5.75 4v8M10.25 4v8"/>',
    "play": '<path d="M5.25 3.75v8.5L12 8z"/>',
    "clear": '<path d="M3.25 12.75h9.5M5 10.25 3.5 8.75l5.25-5.25 3.5 3.5-3.25 3.25z"/>',
    "forth": '<path d="M6.25 3.75 10.5 8l-4.25 4.25"/>',
    "back": '<path d="M9.75 3.75 5.5 8l4.25 4.25"/>',
    "good": '<path d="M5 7.25 8 2.5c.9 0 1.5.6 1.5 1.5L9 6.5h3.25A1.25 1.25 0 0 1 13.5 8l-.9 4'
    'a1.5 1.5 0 0 1-1.45 1.25H5zM2.5 7.25H5v6H2.5z"/>',
    "bad": '<path d="M5 8.75 8 13.5c.9 0 1.5-.6 1.5-1.5L9 9.5h3.25A1.25 1.25 0 0 0 13.5 8l-.9-4'
    'a1.5 1.5 0 0 0-1.45-1.25H5zM2.5 2.75H5v6H2.5z"/>',
    "more": '<path d="M3.5 8v.01M8 8v.01M12.5 8v.01" stroke-width="2.75"/>',
    "edit": '<path d="m3 13 .75-3L10.5 3.25l2.25 2.25L6 12.25z"/>',
    "attach": '<path d="m13.75 7.5-5.9 5.9a3.75 3.75 0 0 1-5.3-5.3L8.6 2.05a2.5 2.5 0 0 1 3.55 3.55L6.2 11.5'
    'a1.25 1.25 0 0 1-1.75-1.75l5.4-5.4"/>',
    "file": '<path d="M9 2H4.5A1.5 1.5 0 0 0 3 3.5v9A1.5 1.5 0 0 0 4.5 14h7a1.5 1.5 0 0 0 1.5-1.5V6zM9 2v4h4"/>',
    "download": '<path d="M8 2.75v7.5M4.5 7 8 10.5 11.5 7M3 13.25h10"/>',
    "pin": '<path d="M5.5 2.75h5M6.25 2.75v4L4.5 9.25h7L9.75 6.75v-4M8 9.25v4"/>',
    "archive": '<path d="M2.75 3.25h10.5v2.5H2.75zM3.75 5.75v7h8.5v-7M6.5 8.5h3"/>',
    "trash": '<path d="M3 4.5h10M6.25 4.5V3h3.5v1.5M4.25 4.5l.5 8.5h6.5l.5-8.5"/>',
}


@checked
def sprite() -> FT:
    """Return the sprite that every page has once."""
    symbols = (f'<symbol id="i-{name}" viewBox="0 0 16 16">{shape}</symbol>' for name, shape in _SHAPES.items())
    return tag("svg")(raw("".join(symbols)), cls="htmxchat sprite", aria_hidden="true")
