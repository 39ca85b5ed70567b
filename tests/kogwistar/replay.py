"""A kogwistar server made of recordings: real sockets, their pacing, and trouble on demand.

What is sent decides what is played: `SCENES` says which recordings. Like the real server it checks tokens but not
whose a conversation is, numbers events over all runs, ends streams after the terminal event, and never notes a resume.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .recordings import NEW, OLD, recording


@dataclass(frozen=True)
class Scene:
    """Which recordings a run is made of.

    Attributes:
        hold: Before which event nothing happens until the run is cancelled (or released).
        late: Cancelling comes too late to keep the answer from being written.
        state: The last checkpoint, by the recording of one or of all.
    """

    events: str
    run: str = ""
    steps: str = ""
    state: str = ""
    hold: int | None = None
    late: bool = False
    resume: str = ""
    after_resume: tuple[str, str] = ("", "")
    version: str = OLD


SCENES = {
    "debug": Scene("072", "073", "076"),
    "evidence": Scene("211", "212", "213", "217"),
    "loop": Scene("202", "203"),
    "candidates": Scene("072", "222", "076"),
    "hidden": Scene("261", "262", "263"),
    "no-llm": Scene("101", "102", "103"),
    "too-long": Scene("156", "", "158"),
    "failed": Scene("461", "462"),
    "twice": Scene("467"),
    "custom": Scene("464"),
    "unicode": Scene("152"),
    "forever": Scene("232b", "236", hold=14),
    "late": Scene("072", "452", hold=16, late=True, version=NEW),
    "simple": Scene("321", "322", "323"),
    "wf-fail": Scene("431", "432"),
    "suspend": Scene("402", "403", "404", "405", resume="408", after_resume=("411", "412")),
    "script": Scene("402", "403", "418", "405", resume="419", after_resume=("411", "412")),
    "budget": Scene("331", "332", "333", "334", resume="345", after_resume=("348", "412")),
}
SCENES_OF_0_6 = {
    **SCENES,
    "debug": Scene("072", "073", "076", version=NEW),
    "evidence": Scene("201", "202", "203", "204", version=NEW),
    "loop": Scene("101", "102", "103", version=NEW),
    "hidden": Scene("261", "262", "263", version=NEW),
    "no-llm": Scene("111", "110", "112", version=NEW),
    "unicode": Scene("152", version=NEW),
    "simple": Scene("322", "321", version=NEW),
    "suspend": Scene("401", "402", "403", "404", resume="409", after_resume=("411", "412"), version=NEW),
}
STOPS = ("run.cancelled", "run.completed", "run.failed")


@dataclass
class Run:
    scene: Scene
    id: str
    conversation: str
    user: str
    turn: str
    workflow: str
    text: str
    plan: list[tuple[float, str, dict[str, Any]]]
    began: float
    log: list[dict[str, Any]] = field(default_factory=list)
    status: str = "running"
    cancelling: float | None = None
    released: bool = False
    dead: bool = False
    resumes: list[dict[str, Any]] = field(default_factory=list)
    resumed: bool = False
    left: str = ""

    @property
    def terminal(self) -> bool:
        return self.status in ("succeeded", "failed", "cancelled")


class Replay:
    """The server, in a thread. Attributes may be changed while it runs.

    Attributes:
        version: Whose recordings are played, and whose routes there are.
        pace: How fast time passes in recordings; 0 plays them at once.
        cancel_takes: Seconds from a cancel to its end.
        cut_after: Streams break, without an end, after this many events, `cuts` times; `None` for no cut.
        faults: What paths that match answer instead: status, content type, body, and how often.
        nested: Stream events have nested payloads, as newer servers send them.
        opened, open: How many streams were opened, and are open, by run.
        asked: How often each route was called.
    """

    def __init__(self, *, pace: float = 0.0, cancel_takes: float = 0.05, version: str = OLD) -> None:
        self.version = version
        self.scenes = SCENES_OF_0_6 if version == NEW else SCENES
        self.pace = pace
        self.cancel_takes = cancel_takes
        self.cut_after: int | None = None
        self.cuts = 0
        self.nested = False
        self.faults: list[list[Any]] = []
        self.delays: dict[str, float] = {}
        self.opened: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.runs: dict[str, Run] = {}
        self.conversations: dict[str, dict[str, Any]] = {}
        self.turns: dict[str, list[dict[str, Any]]] = {}
        self._seq = 0
        self._port = 0

    # Life

    def start(self) -> Replay:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(self._app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def kill(self) -> None:
        """Stop as a crash does: streams break, and the runs that live are never heard of again."""
        for run in self.runs.values():
            self._advance(run)
            run.dead = not run.terminal
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)
        self.open.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def fault(self, path: str, status: int, body: str | bytes | dict[str, Any] = "", times: float = 1) -> None:
        kind = "application/json" if isinstance(body, dict) else "text/plain"
        data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        self.faults.append([re.compile(path), status, kind, data, times])

    def play_recording(self, path: str, number: str, times: float = 1) -> None:
        """Answer a path with a recording."""
        found = recording(number)
        self.faults.append([re.compile(path), found.status, found.content_type, found.body, times])

    # Routes

    def _app(self) -> Any:
        routes = [
            ("GET", "/health", self._health),
            ("GET", "/api/auth/me", self._me),
            ("GET", "/api/conversations", self._list),
            ("POST", "/api/conversations", self._create),
            ("GET", "/api/conversations/{id}", self._conversation),
            ("GET", "/api/conversations/{id}/turns", self._turns),
            ("POST", "/api/conversations/{id}/turns:answer", self._answer),
            ("POST", "/api/workflow/runs", self._start_workflow),
            ("GET", "/api/runs/{id}", self._run),
            ("GET", "/api/runs/{id}/events", self._events),
            ("GET", "/api/runs/{id}/events/poll", self._poll),
            ("POST", "/api/runs/{id}/cancel", self._cancel),
            ("GET", "/api/runs/{id}/steps", self._steps),
            ("GET", "/api/runs/{id}/checkpoints", self._checkpoints),
            ("GET", "/api/runs/{id}/checkpoints/{n}", self._checkpoint),
            ("GET", "/api/runs/{id}/resume-contract", self._contract),
            ("GET", "/api/runs/{id}/evidence", self._evidence),
            ("POST", "/api/runs/{id}/resume", self._resume),
            ("POST", "/api/workflow/runs/{id}/resume", self._resume),
        ]
        app = Starlette(
            routes=[Route(path, self._guard(call, path), methods=[method]) for method, path, call in routes]
        )

        async def plain(request: Request, error: Exception) -> Response:
            return PlainTextResponse("Not Found", 404)

        app.add_exception_handler(404, plain)
        app.add_exception_handler(405, plain)
        return app

    def _guard(self, call: Any, path: str) -> Any:
        async def respond(request: Request) -> Response:
            self.asked[f"{request.method} {path}"] += 1
            for fault in self.faults:
                if fault[4] > 0 and fault[0].search(request.url.path):
                    fault[4] -= 1
                    return Response(fault[3], fault[1], media_type=fault[2])
            for pattern, seconds in self.delays.items():
                if re.search(pattern, request.url.path):
                    await asyncio.sleep(seconds)
            who = _claims(request)
            response: Response
            if path == "/api/auth/me":
                response = await call(request, who)
                return response
            role, names = who.get("role", "ro"), who.get("ns", ["docs"])
            need = "ro" if request.method == "GET" else "rw"
            if need == "rw" and role != "rw":
                return _detail(403, f"Forbidden: requires role 'rw', you have '{role}'")
            if not {"conversation", "*"} & set(names):
                return _detail(403, f"Forbidden: namespaces {set(names)} do not permit access to {{'conversation'}}")
            if "id" in request.path_params and "/runs/" in path and request.path_params["id"] not in self.runs:
                return _detail(404, f"'Unknown run_id: {request.path_params['id']}'")
            response = await call(request, who)
            return response

        return respond

    async def _health(self, request: Request, who: Any) -> Response:
        return JSONResponse({"ok": True})

    async def _me(self, request: Request, who: Any) -> Response:
        if "user_id" not in who:
            return _detail(401, "Not authenticated")
        return JSONResponse({**recording("014").json, "user_id": who["user_id"], "role": who["role"], "ns": who["ns"]})

    async def _list(self, request: Request, who: Any) -> Response:
        if "user_id" not in who:
            return _detail(401, "User Identity required")
        mine = [each for each in self.conversations.values() if each["user_id"] == who["user_id"]]
        rows = [
            {"id": c["conversation_id"], "start_node_id": "s", "status": "active", "turn_count": self._count(c)}
            for c in mine
        ]
        return JSONResponse({"conversations": rows})

    def _count(self, conversation: dict[str, Any]) -> int:
        return len(self.turns[conversation["conversation_id"]])

    async def _create(self, request: Request, who: Any) -> Response:
        data = await request.json()
        id = data.get("conversation_id") or str(uuid4())
        owner = who.get("user_id", data["user_id"])
        row = {"conversation_id": id, "user_id": owner, "status": "active", "turn_count": 0}
        self.conversations.setdefault(id, row)
        self.turns.setdefault(id, [])
        return JSONResponse(self.conversations[id])

    async def _conversation(self, request: Request, who: Any) -> Response:
        found = self.conversations.get(request.path_params["id"])
        if found is None:
            return _detail(404, f"'Unknown conversation_id: {request.path_params['id']}'")
        return JSONResponse({**found, "turn_count": self._count(found)})

    async def _turns(self, request: Request, who: Any) -> Response:
        id = request.path_params["id"]
        if id not in self.turns:
            return _detail(404, f"'Unknown conversation_id: {id}'")
        for run in self.runs.values():
            self._advance(run)
        return JSONResponse({"conversation_id": id, "turns": self.turns[id]})

    def add_turn(self, conversation: str, role: str, text: str) -> str:
        """Write a turn, as another client of the server would."""
        id = str(uuid4()) if role == "user" else f"ptr:{uuid4().hex[:20]}"
        turns = self.turns[conversation]
        kind = "conversation_turn" if role == "user" else "assistant_turn"
        row = {"node_id": id, "turn_index": len(turns), "role": role, "content": text, "entity_type": kind}
        turns.append(row)
        return id

    async def _answer(self, request: Request, who: Any) -> Response:
        data, id = await request.json(), request.path_params["id"]
        self.turns.setdefault(id, [])
        turn = self.add_turn(id, "user", data["text"].strip())
        run = self.begin(id, who.get("user_id", ""), turn, data.get("workflow_id", "debug.rag.v1"), data["text"])
        row = {"run_id": run.id, "conversation_id": id, "workflow_id": run.workflow, "status": "queued"}
        return JSONResponse({**row, "user_turn_node_id": turn}, 202)

    async def _start_workflow(self, request: Request, who: Any) -> Response:
        data = await request.json()
        id = data["conversation_id"]
        text = str(data["initial_state"].get("text", ""))
        run = self.begin(id, who.get("user_id", ""), "start-node", data["workflow_id"], text)
        row = {"run_id": run.id, "conversation_id": id, "workflow_id": run.workflow, "turn_node_id": run.turn}
        return JSONResponse({**row, "status": "queued", "admission": "accepted"}, 202)

    def begin(self, conversation: str, user: str, turn: str, workflow: str, text: str) -> Run:
        default = "debug" if workflow in ("debug.rag.v1", "agentic_answering.v2") else "simple"
        scene = self.scenes.get(text.split()[0] if text.split() else "", self.scenes[default])
        frames = recording(scene.events, scene.version).frames
        start = frames[0]["data"]["created_at_ms"]
        id = str(uuid4())
        plan = []
        for frame in frames:
            due = (frame["data"]["created_at_ms"] - start) / 1000 * self.pace
            data = {**frame["data"], "run_id": id}
            plan.append((due, frame["event"], data))
        run = Run(scene, id, conversation, user, turn, workflow, text, plan, time.monotonic())
        self.runs[id] = run
        return run

    def release(self, run_id: str) -> None:
        """Let a run that holds continue."""
        self.runs[run_id].released = True

    # A run

    def _advance(self, run: Run) -> None:
        now = time.monotonic() - run.began
        while not run.terminal and not run.dead:
            if run.cancelling is not None:
                if now >= run.cancelling:
                    self._end_cancelled(run)
                return
            if run.scene.hold == len(run.log) and not run.released:
                return
            if len(run.log) == len(run.plan) or run.plan[len(run.log)][0] > now:
                return
            _, kind, data = run.plan[len(run.log)]
            self._append(run, kind, data)
            if kind in STOPS:
                run.status = {"run.completed": "succeeded", "run.failed": "failed"}.get(kind, "cancelled")
                self._finish(run)

    def _append(self, run: Run, kind: str, data: dict[str, Any]) -> None:
        self._seq += 1
        data = {**data, "event_type": kind, "created_at_ms": int(time.time()) * 1000}
        run.log.append({"seq": self._seq, "event": kind, "data": data})

    def _end_cancelled(self, run: Run) -> None:
        self._append(run, "run.cancelling", {"run_id": run.id, "status": "cancelling"})
        self._append(run, "run.cancelled", {"run_id": run.id, "status": "cancelled"})
        run.status = "cancelled"
        if run.scene.late:
            said = recording(run.scene.run, run.scene.version).json["result"]
            run.left = self.add_turn(run.conversation, "assistant", said["assistant_text"])

    def _finish(self, run: Run) -> None:
        done = [event for event in run.log if event["event"] == "output.completed"]
        text = done[-1]["data"]["assistant_text"] if done else ""
        if text and done[-1]["data"]["assistant_turn_node_id"]:
            id = self.add_turn(run.conversation, "assistant", text)
            done[-1]["data"]["assistant_turn_node_id"] = id

    def _row(self, run: Run) -> dict[str, Any]:
        self._advance(run)
        row: dict[str, Any] = {"result": None, "error": None}
        if run.terminal and run.scene.run:
            row = recording(run.scene.run, run.scene.version).json
            if run.left:
                row["result"]["assistant_turn_node_id"] = run.left
        elif run.terminal:
            text = "".join(e["data"].get("assistant_text", "") for e in run.log if e["event"] == "output.completed")
            result = {"workflow_status": "succeeded" if text else "failure", "assistant_text": text}
            row = {"result": result if text else {"workflow_status": "failure"}, "error": None}
        done = [e["data"]["assistant_turn_node_id"] for e in run.log if e["event"] == "output.completed"]
        row = _replaced(row, run)
        status = run.status if run.cancelling is None or run.terminal else "cancelling"
        return {
            **row,
            "run_id": run.id,
            "conversation_id": run.conversation,
            "workflow_id": run.workflow,
            "user_id": run.user,
            "user_turn_node_id": run.turn,
            "assistant_turn_node_id": (done[-1] if done and run.terminal else None) or None,
            "status": status,
            "cancel_requested": run.cancelling is not None,
            "updated_at_ms": int(time.time()) * 1000,
            "terminal": run.terminal,
        }

    async def _run(self, request: Request, who: Any) -> Response:
        return JSONResponse(self._row(self.runs[request.path_params["id"]]))

    async def _events(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        after = int(request.query_params.get("after_seq", 0))
        self.opened[run.id] += 1
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(run, after), media_type="text/event-stream", headers=headers)

    async def _stream(self, run: Run, after: int) -> AsyncIterator[bytes]:
        self.open[run.id] += 1
        sent = 0
        try:
            while True:
                self._advance(run)
                for event in run.log:
                    if event["seq"] <= after:
                        continue
                    if self.cut_after is not None and self.cuts > 0 and sent >= self.cut_after:
                        self.cuts -= 1
                        raise ConnectionError("cut")
                    after = event["seq"]
                    sent += 1
                    yield self._frame(event)
                if run.terminal:
                    return
                await asyncio.sleep(0.01)
        finally:
            self.open[run.id] -= 1

    def _frame(self, event: dict[str, Any]) -> bytes:
        data = event["data"]
        if self.nested:
            keys = ("run_id", "event_type", "created_at_ms")
            payload = {key: value for key, value in data.items() if key not in keys}
            data = {"seq": event["seq"], "event_type": event["event"], "payload": payload}
        text = json.dumps(data, ensure_ascii=False)
        return f"id: {event['seq']}\nevent: {event['event']}\ndata: {text}\n\n".encode()

    async def _poll(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        self._advance(run)
        after = int(request.query_params.get("after_seq", 0))
        keys = ("run_id", "event_type", "created_at_ms")
        events = [
            {
                "seq": event["seq"],
                **{key: event["data"][key] for key in keys},
                "payload": {key: value for key, value in event["data"].items() if key not in keys},
            }
            for event in run.log
            if event["seq"] > after
        ]
        return JSONResponse({"run_id": run.id, "events": events})

    async def _cancel(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        self._advance(run)
        if not run.terminal:
            if run.cancelling is None:
                run.cancelling = time.monotonic() - run.began + self.cancel_takes
            self._append(run, "run.cancelling", {"run_id": run.id, "status": "cancelling"})
        return JSONResponse(self._row(run), 202)

    async def _steps(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        number = run.scene.after_resume[0] if run.resumed else run.scene.steps
        return JSONResponse(_replaced(recording(number, run.scene.version).json if number else {"steps": []}, run))

    def _states(self, run: Run) -> list[Any]:
        number = run.scene.after_resume[1] if run.resumed else run.scene.state
        if not number:
            return []
        data = _replaced(recording(number, run.scene.version).json, run)
        return list(data["checkpoints"]) if "checkpoints" in data else [data]

    async def _checkpoints(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        return JSONResponse({"run_id": run.id, "checkpoints": self._states(run)})

    async def _checkpoint(self, request: Request, who: Any) -> Response:
        run, number = self.runs[request.path_params["id"]], int(request.path_params["n"])
        for state in self._states(run):
            if state["step_seq"] == number:
                return JSONResponse({"run_id": run.id, "step_seq": number, "state": state["state"]})
        return _detail(404, "'Checkpoint not found'")

    async def _contract(self, request: Request, who: Any) -> Response:
        run = self.runs[request.path_params["id"]]
        states = self._states(run)
        last = states[-1]["step_seq"] if states else None
        said = recording("405", NEW) if self.version == NEW else recording("406")
        return JSONResponse({**said.json, "run_id": run.id, "latest_checkpoint_step_seq": last})

    async def _evidence(self, request: Request, who: Any) -> Response:
        if self.version == OLD:
            return PlainTextResponse("Not Found", 404)
        return _detail(400, recording("083", NEW).json["detail"])

    async def _resume(self, request: Request, who: Any) -> Response:
        run, data = self.runs[request.path_params["id"]], await request.json()
        run.resumes.append(data)
        waiting = [] if run.resumed else self._states(run)[-1]["state"]["_rt_join"]["suspended"]
        if [data["suspended_node_id"], data["suspended_token_id"]] not in [[each[0], each[2]] for each in waiting]:
            token, node = data["suspended_token_id"], data["suspended_node_id"]
            return _detail(400, f"Token {token} for node {node} not found in suspended runtime state.")
        reply = recording(run.scene.resume, run.scene.version).json
        if data["client_result"]["status"] == "suspended":
            reply["workflow_status"] = "suspended"
        elif data["client_result"]["status"] == "failure":
            reply = recording("424", NEW).json if self.version == NEW else recording("415").json
            run.resumed = True
        else:
            run.resumed = True
        return JSONResponse(reply)


def _replaced(data: Any, run: Run) -> Any:
    """Return a recorded answer as one about this run."""
    text = json.dumps(data)
    for old in set(re.findall(r'"run_id": ?"([^"]+)"', text)) | set(re.findall(r'null|wf_step\|([^|"]+)\|', text)):
        if old:
            text = text.replace(old, run.id)
    known = re.search(r'"suspended": ?\[\["[^"]+", ?\d+, ?"([^"]+)"', text)
    if known:
        text = text.replace(known[1], run.id)
    return json.loads(text)


def _detail(status: int, text: str) -> Response:
    return JSONResponse({"detail": text}, status)


def token(user_id: str | None = "dev-user-id", *, role: str = "rw", seconds: float = 3600, **more: Any) -> str:
    """Return a token that this server takes; no one checks its signature."""
    names = more.pop("ns", ["docs", "conversation", "workflow", "wisdom"])
    claims = {"sub": user_id or "dev", "role": role, "ns": names, "exp": time.time() + seconds, "iss": "local", **more}
    if user_id is not None:
        claims["user_id"] = user_id
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2ln"])


def _claims(request: Request) -> dict[str, Any]:
    """Return the claims of a good token; a bad or missing one is anybody, as on the real server."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    parts = value.split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or parts[2] != "c2ln":
        return {}
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return found if found["exp"] > time.time() else {}
