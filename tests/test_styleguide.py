"""The demo's style guide: it is there, for the demo only, and shows each component by the chat's own fragments."""

from __future__ import annotations

from collections import Counter

import pytest
from starlette.testclient import TestClient

from htmxchat import StubBackend, create_chat_app
from htmxchat.cli.styleguide.pages import SHEETS, addresses
from tests.support import parse
from tests.test_main_options import chat


@pytest.mark.parametrize("path", ["", "/team"])
def test_every_component_is_there_below_the_demo(path: str) -> None:
    app = chat("--app-url", f"http://127.0.0.1:8000{path}")
    with TestClient(app) as client:
        index = client.get(f"{path}/styleguide/").text
        assert all(f'id="guide-{sheet.slug}"' in index for sheet in SHEETS)
        for address in addresses():
            assert f'src="{address}?theme=dark"' in index
            html = client.get(f"{path}/styleguide/{address}?theme=dark").text
            assert 'data-theme="dark"' in html and "<script" not in html
            page = parse(html[html.index("<body") : html.index("</html>")])
            ids = Counter(each["id"] for each in page.all() if "id" in each.attributes)
            assert max(ids.values()) == 1, address
        style = index.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert client.get(style).status_code == client.get(f"{path}/styleguide/styleguide.css").status_code == 200
        assert client.get(f"{path}/styleguide/nothing/0").status_code == 404
        assert client.get(f"{path}/").status_code == 200


def test_the_chat_of_a_host_has_none() -> None:
    with TestClient(create_chat_app(StubBackend())) as client:
        assert client.get("/styleguide/").status_code == 404
