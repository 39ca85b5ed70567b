"""The chat of a kogwistar server, which signs people in. Run: uvicorn examples.kogwistar_login:app

`python -m htmxchat --agent kogwistar --url http://localhost:28110` does the same without any code.
"""

import os

from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import Store, chat_lifespan, create_chat_app
from htmxchat.agents.kogwistar import KogwistarBackend, KogwistarLogin

URL = os.environ.get("KOGWISTAR_URL", "http://localhost:28110")

store = Store("sqlite:///chat.db")  # holds tokens: as private as a password file
chat = create_chat_app(KogwistarBackend(URL, store=store), login=KogwistarLogin(URL, store))
app = Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))
