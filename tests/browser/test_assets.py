"""The static files, as a browser sees them."""

from __future__ import annotations

import base64
from typing import Literal

from playwright.sync_api import Page

from htmxchat.http.assets import STATIC


def test_the_favicon_is_visible_on_light_and_on_dark(page: Page) -> None:
    source = base64.b64encode((STATIC / "favicon.svg").read_bytes()).decode()
    pictures = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.set_content(f'<img src="data:image/svg+xml;base64,{source}" width=32 height=32>')
        page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
        pixels = page.evaluate("""() => {
            const canvas = document.createElement('canvas').getContext('2d')
            canvas.drawImage(document.images[0], 0, 0, 32, 32)
            return [...canvas.getImageData(3, 14, 1, 1).data]
        }""")
        pictures.append(pixels)
    light, dark = pictures
    assert max(light[:3]) < 80 and light[3] > 200
    assert min(dark[:3]) > 180 and dark[3] > 200
