"""Every path that the app can produce."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from .kinds import check_fields

_BACK = re.compile(r"/[\w.~!$&'()*+,;=:@%/-]*(\?[\w.~!$&'()*+,;=:@%/?-]*)?", re.ASCII)
_MAX_PATH = 2_000

# What a browser leaves as it is in a path.
_PATH = "/!$&'()*+,;=:@-._~"


@dataclass(frozen=True, slots=True)
class Urls:
    """Builds paths below a mount.

    Attributes:
        root: Where the chat is mounted, without a slash at the end: `""` or `"/chat"`.
        version: The version of the static files.
        host: Where the application that mounts the chat is, the same way: `"/team"` behind a proxy that takes it off.
    """

    root: str = ""
    version: str = "dev"
    host: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def of(cls, scope: Mapping[str, Any], version: str) -> Urls:
        """Return the paths for a request: its `root_path` is right under every kind of mount.

        Starlette's mounts keep the `root_path` of the application that they are in. A chat that nothing mounts has no
        such application.
        """
        root, host = (str(scope.get(name, "")).rstrip("/") for name in ("root_path", "app_root_path"))
        return cls(quote(root, safe=_PATH), version, quote(host, safe=_PATH))

    def home(self, deleted: str | None = None) -> str:
        """The page before the first message; `deleted` is a conversation that it offers to restore."""
        return self._path(deleted=deleted)

    def start(self) -> str:
        """Where the first message of a new conversation is posted."""
        return self._path("messages")

    def conversation(self, conversation_id: str, turn_id: str | None = None, **query: str | None) -> str:
        """A conversation, at one of its turns.

        Args:
            query: `edit` is a message that is being edited, `turn` one whose branch is to be shown, `deleted` one that
                can be restored.
        """
        path = self._path("c", conversation_id, **query)
        return f"{path}#turn-{turn_id}" if turn_id else path

    def messages(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "messages")

    def files(self) -> str:
        """Where files are posted before the message that they come with."""
        return self._path("files")

    def file(self, file_id: str) -> str:
        """A file, to be saved. What is no picture is not shown by browsers."""
        return self._path("files", file_id)

    def file_preview(self, file_id: str) -> str:
        """The preview of a file: a fragment."""
        return self._path("files", file_id, "preview")

    def discard_file(self, file_id: str) -> str:
        """Where a file is discarded that was not sent."""
        return self._path("files", file_id, "discard")

    def changes(self, conversation_id: str | None = None) -> str:
        """Where a page asks for the changes of other tabs and devices."""
        return self._path("c", conversation_id, "changes") if conversation_id else self._path("changes")

    def rename(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "rename")

    def edit_turn(self, conversation_id: str, turn_id: str) -> str:
        """Where an edited message is posted."""
        return self._path("c", conversation_id, "turns", turn_id, "edit")

    def delete_turn(self, conversation_id: str, turn_id: str) -> str:
        return self._path("c", conversation_id, "turns", turn_id, "delete")

    def restore_turn(self, conversation_id: str, turn_id: str) -> str:
        return self._path("c", conversation_id, "turns", turn_id, "restore")

    def show_version(self, conversation_id: str) -> str:
        """Where the version to be shown is posted."""
        return self._path("c", conversation_id, "show")

    def delete(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "delete")

    def restore(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "restore")

    def export_markdown(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "export.md")

    def export_html(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "export.html")

    def export_json(self, conversation_id: str, **query: str) -> str:
        """A conversation as JSON; `files="content"`: with the bytes of its files."""
        return self._path("c", conversation_id, "export.json", **query)

    def import_conversation(self) -> str:
        """The page that takes an exported conversation, and where it is posted."""
        return self._path("import")

    def history(
        self, query: str = "", cursor: str | None = None, *, archived: bool = False, select: bool = False
    ) -> str:
        """The list of conversations, or of those that are archived; `select` has it let several be selected."""
        view, selecting = "archived" if archived else None, "yes" if select else None
        return self._path("history", q=query or None, cursor=cursor, view=view, select=selecting)

    def selected(self) -> str:
        """Where it is posted what to do with several conversations."""
        return self._path("history", "selected")

    def pin(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "pin")

    def archive(self, conversation_id: str) -> str:
        return self._path("c", conversation_id, "archive")

    def latest_run(self, conversation_id: str) -> str:
        """The inspector with the latest run of a conversation."""
        return self._path("c", conversation_id, "runs", "latest")

    def runs(self, conversation_id: str) -> str:
        """The inspector with the runs of a conversation."""
        return self._path("c", conversation_id, "runs")

    def find_run(self) -> str:
        """The inspector, where a run is looked up by its id."""
        return self._path("runs")

    def run(self, run_id: str, **query: object) -> str:
        """The inspector, open on a run; `query` says which rows."""
        return self._path("runs", run_id, **query)

    def scripts(self, conversation_id: str | None = None, *, edit: str | None = None, show: str | None = None) -> str:
        """The queue of scripts: `edit` is one that is being edited, `show` one that is shown in any case."""
        if conversation_id is None:
            return self._path("scripts")
        return self._path("c", conversation_id, "scripts", edit=edit, show=show)

    def script(self, run_id: str, script_id: str) -> str:
        return self._path("runs", run_id, "scripts", script_id)

    def script_result(self, run_id: str, script_id: str) -> str:
        """Where a page posts the result of a script."""
        return self._path("runs", run_id, "scripts", script_id, "result")

    def script_picture(self, run_id: str, script_id: str, number: str, revision: int | None = None) -> str:
        """A picture that a script drew; `revision` makes that of another result another address."""
        return self._path("runs", run_id, "scripts", script_id, "pictures", number, r=revision)

    def script_file(self, run_id: str, script_id: str, name: str) -> str:
        """A download: `code.py`, `output.txt`, `table.csv` or `result.json`."""
        return self._path("runs", run_id, "scripts", script_id, "files", name)

    def events(self, run_id: str, **query: object) -> str:
        """A stretch of a run's rows."""
        return self._path("runs", run_id, "events", **query)

    def event(self, run_id: str, row: int) -> str:
        """All that one row holds."""
        return self._path("runs", run_id, "events", str(row))

    def events_export(self, run_id: str) -> str:
        """A run as JSON Lines."""
        return self._path("runs", run_id, "events.jsonl")

    def report(self, run_id: str) -> str:
        """A run as an HTML file."""
        return self._path("runs", run_id, "report.html")

    def summary(self, run_id: str) -> str:
        """A run in a few lines of Markdown."""
        return self._path("runs", run_id, "summary.md")

    def steps(self, run_id: str) -> str:
        """A run's steps."""
        return self._path("runs", run_id, "steps")

    def checkpoints(self, run_id: str, **query: object) -> str:
        """The state of a run after its steps: `n` says after which, `with` what it is compared to."""
        return self._path("runs", run_id, "checkpoints", **query)

    def evidence(self, run_id: str) -> str:
        """The evidence for a run's answer."""
        return self._path("runs", run_id, "evidence")

    def stream(self, run_id: str, after: int | None = None, **rows: object) -> str:
        """The live stream of a run; `rows` says which rows of the inspector it also brings."""
        return self._path("runs", run_id, "stream", after=after, **rows)

    def poll(self, run_id: str, after: int | None = None, **rows: object) -> str:
        return self._path("runs", run_id, "poll", after=after, **rows)

    def state(self, run_id: str) -> str:
        """How a run stands, in a word."""
        return self._path("runs", run_id, "state")

    def stop(self, run_id: str) -> str:
        return self._path("runs", run_id, "stop")

    def retry(self, run_id: str) -> str:
        return self._path("runs", run_id, "retry")

    def feedback(self, run_id: str) -> str:
        """Where what the user thinks of an answer is posted."""
        return self._path("runs", run_id, "feedback")

    def text(self, run_id: str) -> str:
        """The answer's Markdown source."""
        return self._path("runs", run_id, "text")

    def answer(self, run_id: str) -> str:
        return self._path("runs", run_id, "answer")

    def login(self, back: str | None = None) -> str:
        """The page that offers to sign in, and where its form is posted; `back` is where to go afterwards."""
        return self._path("login", back=back)

    def login_callback(self, state: str | None = None) -> str:
        """Where a sign-in comes back to."""
        return self._path("login", "callback", *([state] if state else []))

    def logout(self) -> str:
        return self._path("logout")

    def at_host(self, address: str) -> str:
        """Return where an address of the host's is for a browser: a path is one of the application around the chat."""
        return f"{self.host}{address}" if address.startswith("/") and not address.startswith("//") else address

    def sign_in_at_host(self, address: str, back: str) -> str:
        """The host's own page for signing in; its field `next` says where to go afterwards, unless it has one."""
        parts = urlsplit(self.at_host(address))
        if "next" in parse_qs(parts.query, keep_blank_values=True):
            return parts.geturl()
        field = urlencode({"next": back})
        return parts._replace(query=f"{parts.query}&{field}" if parts.query else field).geturl()

    def back(self, path: str) -> str:
        """Return `path` if it is a page of this chat, else the home page: where to go when a request may say it."""
        plain, root = unquote(path.partition("?")[0]), unquote(self.root)
        steps = plain.removeprefix(root).split("/")
        own = (
            len(path) <= _MAX_PATH
            and _BACK.fullmatch(path) is not None
            and plain.startswith(f"{root}/")
            and not plain.startswith("//")
            and "\\" not in plain
            and not {".", ".."} & set(steps)
            and steps[1] not in ("login", "logout")
        )
        return path if own else self.home()

    def alive(self) -> str:
        """Whether the process answers."""
        return self._path("healthz")

    def ready(self) -> str:
        """Whether the chat can serve."""
        return self._path("readyz")

    def sandbox(self) -> str:
        """The document of the frame that runs Python."""
        return self._path("sandbox")

    def static(self, path: str) -> str:
        return f"{self.root}/static/{self.version}/{path}"

    def _path(self, *parts: str, **query: object) -> str:
        path = self.root + "/" + "/".join(quote(part, safe="") for part in parts)
        pairs = {name: str(value) for name, value in query.items() if value is not None}
        return f"{path}?{urlencode(pairs)}" if pairs else path
