"""`python -m tests.kogwistar.live VERSION…`: the live suite in front of real servers, which need Python 3.13.

Each version gets an environment in the cache folder, a server with empty data on a free port, and a user a test.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import httpx

from ..tokens import signed

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "htmxchat"
USERS = 200
WORKFLOW, STEPS = "live", ("start", "live_step", "live_end")
VERSIONS = ("0.2.4", "0.6.15")


def main() -> int:
    failed = [version for version in sys.argv[1:] or VERSIONS if _try(version)]
    print(f"Failed: {', '.join(failed)}" if failed else "All passed.")
    return len(failed)


def _try(version: str) -> int:
    python = _environment(version)
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="kogwistar-") as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        log = Path(folder, "server.log")
        with log.open("wb") as output:
            server = subprocess.Popen(
                [python, "-m", "kogwistar.server_mcp_with_admin"],
                cwd=folder, env=_variables(Path(folder), port, secret), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            if not _ready(server, url):
                print(f"kogwistar {version} does not start:\n{log.read_text(errors='replace')[-3_000:]}")
                return 1
            _design(url, secret)
            print(f"kogwistar {version}", flush=True)
            suite = {"HTMXCHAT_KOGWISTAR_URL": url, "HTMXCHAT_KOGWISTAR_SECRET": secret}
            command = [sys.executable, "-m", "pytest", "-q", "tests/kogwistar/test_live.py"]
            return subprocess.run(command, env={**os.environ, **suite}, check=False).returncode
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _environment(version: str) -> Path:
    """Return the Python of an environment that has this version of the server."""
    folder = CACHE / f"kogwistar-{version}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        pyenv = sorted(Path.home().glob(".pyenv/versions/3.13*/bin/python3.13"))
        base = os.environ.get("PYTHON313") or shutil.which("python3.13") or (pyenv and pyenv[-1])
        if not base:
            raise SystemExit("kogwistar needs Python 3.13: put python3.13 on the path, or name it in PYTHON313.")
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
        wanted = f"kogwistar[server,chroma]=={version}"
        subprocess.run([python, "-m", "pip", "install", "--quiet", wanted, "sqlalchemy"], check=True)
        (folder / "complete").touch()
    return python


def _variables(folder: Path, port: int, secret: str) -> dict[str, str]:
    seed = folder / "users.json"
    may = [{"workflow_id": WORKFLOW, "role": "rw"}]
    seed.write_text(json.dumps([_user(f"live-{number}", may) for number in range(USERS)]))
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
        "HOST": "127.0.0.1", "PORT": str(port), "UI_URL": "http://127.0.0.1/",
        "AUTH_MODE": "dev", "DEV_AUTH_ROLE": "rw", "JWT_SECRET": secret, "JWT_ISS": "local",
        "AUTH_DB_URL": f"sqlite:///{folder}/auth.sqlite", "DEV_AUTH_SEED_PATH": str(seed),
        "GKE_BACKEND": "chroma", "GKE_PERSIST_DIRECTORY": str(folder / "data"), "ANONYMIZED_TELEMETRY": "False",
        "KOGWISTAR_TEST_EMBEDDING_FUNCTION_IMPORT": "plug:embedding",
        "KOGWISTAR_TEST_ANSWER_RUNNER_IMPORT": "plug:answer_runner",
    }  # fmt: skip


def _user(id: str, may: list[dict[str, str]]) -> dict[str, object]:
    known = {"user_id": id, "email": f"{id}@example.com", "display_name": id}
    rights = {"global_role": "rw", "global_ns": "docs,conversation,workflow,wisdom", "workflow_acls": may}
    return {**known, **rights, "identities": [{"issuer": "dev", "subject": id}]}


def _ready(server: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the server answers. The first start of an environment compiles a lot."""
    deadline = time.monotonic() + 300
    while server.poll() is None and time.monotonic() < deadline:
        try:
            return httpx.get(f"{url}/health", timeout=5).is_success
        except httpx.HTTPError:
            time.sleep(0.5)
    return False


def _design(url: str, secret: str) -> None:
    """Draw the workflow that asks."""
    who = f"{WORKFLOW}-0"
    headers = {"Authorization": f"Bearer {signed(secret, who)}"}
    path = f"{url}/api/workflow/design/{WORKFLOW}"
    names = [f"wf|{WORKFLOW}|{number}-{op}" for number, op in enumerate(STEPS)]
    with httpx.Client(headers=headers, timeout=60) as client:
        for number, (name, op) in enumerate(zip(names, STEPS, strict=True)):
            node = {"designer_id": f"{who}@example.com", "node_id": name, "label": op, "op": op}
            ends = {"start": number == 0, "terminal": number == len(STEPS) - 1}
            client.post(f"{path}/nodes", json={**node, **ends}).raise_for_status()
        for number, (before, after) in enumerate(pairwise(names)):
            edge = {"designer_id": f"{who}@example.com", "edge_id": f"wf|{WORKFLOW}|e{number}"}
            more = {"src": before, "dst": after, "is_default": True}
            client.post(f"{path}/edges", json={**edge, **more}).raise_for_status()


if __name__ == "__main__":
    sys.exit(main())
