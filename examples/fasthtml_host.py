"""A FastHTML app with the chat at /chat. Run: uvicorn examples.fasthtml_host:app"""

from fasthtml.common import H1, A, FastHTML, P, Titled

from htmxchat import StubBackend, create_chat_app

app = FastHTML(secret_key="only for the example")


@app.route("/")
def home():
    return Titled("Meridian", H1("Runbooks"), P("Ask ", A("the agent", href="/chat/"), " about any of them."))


app.mount("/chat", create_chat_app(StubBackend(), title="Meridian"))
