"""The routes of a chat, read top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.routing import Mount, Route

from ..chat import Chat
from ..http.limits import Bounds
from ..http.routing import PostRoute
from . import (
    answering,
    archives,
    branches,
    changes,
    conversations,
    exports,
    feedback,
    files,
    health,
    history,
    insight,
    inspector,
    pages,
    runs,
    sandbox,
    scripts,
    session,
)

_UPLOAD = 600.0  # seconds


def routes(chat: Chat) -> list[Route | Mount]:
    """Return the routes, and what each takes: its method, its largest body, where the page shows why it refuses."""
    limits = chat.settings.limits
    get = partial(Route, methods=["GET"])
    post = partial(PostRoute, body=limits.body, errors="composer")
    bounds = _file_bounds(chat)
    post_message = partial(post, files=bounds)
    post_script = partial(PostRoute, body=limits.body, errors="scripts")

    sign_in = [
        get("/login", session.show, name="login"),
        post("/login", session.begin, name="begin_login"),
        get("/login/callback", session.finish, name="login_callback"),
        get("/login/callback/{state:path}", session.finish, name="login_callback_state"),
        post("/logout", session.end, name="logout"),
    ]
    return [
        *([get("/", session.home, name="home"), *sign_in] if chat.login else [get("/", pages.home, name="home")]),
        get("/healthz", health.alive, name="alive"),
        get("/readyz", health.ready, name="ready"),
        post_message("/messages", conversations.start, name="start"),
        get("/c/{conversation}", pages.show, name="conversation"),
        post_message("/c/{conversation}/messages", conversations.send, name="messages"),
        post_message("/c/{conversation}/turns/{turn}/edit", branches.edit, name="edit_turn"),
        post("/c/{conversation}/turns/{turn}/delete", branches.delete, name="delete_turn"),
        post("/c/{conversation}/turns/{turn}/restore", branches.restore, name="restore_turn"),
        post("/c/{conversation}/show", branches.show, name="show_version"),
        get("/changes", changes.show, name="changes"),
        get("/c/{conversation}/changes", changes.show, name="conversation_changes"),
        get("/c/{conversation}/rename", conversations.ask_title, name="rename_form"),
        post("/c/{conversation}/rename", conversations.rename, name="rename"),
        post("/c/{conversation}/pin", conversations.pin, name="pin"),
        post("/c/{conversation}/archive", conversations.archive, name="archive"),
        post("/c/{conversation}/delete", conversations.delete, name="delete"),
        post("/c/{deleted}/restore", conversations.restore, name="restore"),
        post("/files", files.upload, name="files", files=bounds, errors="files"),
        get("/files", files.drafts, name="drafts"),
        get("/files/{file}", files.download, name="file"),
        get("/files/{file}/preview", files.look, name="file_preview"),
        post("/files/{file}/discard", files.discard, name="discard_file", errors="files"),
        get("/c/{conversation}/export.md", archives.markdown, name="export_markdown"),
        get("/c/{conversation}/export.html", archives.html, name="export_html"),
        get("/c/{conversation}/export.json", archives.whole, name="export_json"),
        *_imports(chat, get, post),
        get("/history", history.show, name="history"),
        post("/history/selected", history.change, name="selected"),
        get("/c/{conversation}/runs", inspector.runs, name="runs"),
        get("/c/{conversation}/runs/latest", inspector.latest, name="latest_run"),
        get("/runs", inspector.find, name="find_run"),
        get("/runs/{run}", inspector.show, name="run"),
        get("/runs/{run}/events", inspector.events, name="events"),
        get("/runs/{run}/events.jsonl", exports.lines, name="events_export"),
        get("/runs/{run}/report.html", exports.page, name="report"),
        get("/runs/{run}/summary.md", exports.text, name="summary"),
        get("/runs/{run}/events/{row}", inspector.event, name="event"),
        get("/runs/{run}/steps", insight.steps, name="steps"),
        get("/runs/{run}/checkpoints", insight.checkpoints, name="checkpoints"),
        get("/runs/{run}/evidence", insight.evidence, name="evidence"),
        get("/scripts", scripts.nothing, name="no_scripts"),
        get("/c/{conversation}/scripts", scripts.show, name="scripts"),
        post_script("/c/{conversation}/scripts", scripts.queue, name="queue_scripts"),
        get("/runs/{run}/scripts/{script}", scripts.find, name="script"),
        post_script("/runs/{run}/scripts/{script}", scripts.change, name="change_script"),
        post_script("/runs/{run}/scripts/{script}/result", scripts.finish, name="script_result", body=limits.result),
        get("/runs/{run}/scripts/{script}/pictures/{number}", scripts.picture, name="script_picture"),
        get("/runs/{run}/scripts/{script}/files/{file}", scripts.download, name="script_file"),
        get("/runs/{run}/stream", runs.stream, name="stream"),
        get("/runs/{run}/poll", runs.poll, name="poll"),
        get("/runs/{run}/state", runs.state, name="state"),
        get("/runs/{run}/text", runs.text, name="text"),
        post("/runs/{run}/stop", runs.stop, name="stop"),
        post("/runs/{run}/retry", runs.retry, name="retry"),
        post("/runs/{run}/answer", answering.answer, name="answer"),
        post("/runs/{run}/feedback", feedback.give, name="feedback"),
        *([get("/sandbox", sandbox.show, name="sandbox")] if chat.settings.scripts else []),
        Mount("/static", chat.assets, name="static"),
    ]


def _imports(chat: Chat, get: Callable[..., Route], post: Callable[..., Route]) -> list[Route]:
    """Return the routes that take a conversation from a file, where any is taken."""
    imports, limits = chat.imports, chat.settings.limits
    if imports is None:
        return []
    bounds = Bounds(imports.max_size + limits.body, _UPLOAD, limits.body_timeout)
    return [
        get("/import", archives.ask_import, name="import_form"),
        post("/import", archives.take, name="import_conversation", files=bounds),
    ]


def _file_bounds(chat: Chat) -> Bounds | None:
    """Return what bounds a form that brings files, and the fields of a message."""
    files, limits = chat.files, chat.settings.limits
    if files is None:
        return None
    return Bounds(files.most_bytes + 2 * limits.body, files.timeout, min(limits.body_timeout, files.timeout))
