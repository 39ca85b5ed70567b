"""llama.cpp's own server with a model that acts out scripts: `python llama.py MODEL PORT` until its input ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.agents.recordings import FOLDER
from tests.servers import free_port, wait_until

MAKE_MODEL = FOLDER.parent / "servers" / "make_tiny_gguf.py"
needs_llama = pytest.mark.skipif(
    not (find_spec("xllamacpp") and find_spec("gguf") and MAKE_MODEL.exists()),
    reason=f"llama.cpp is not installed (pip install --group llama), or there is no {MAKE_MODEL}",
)


@contextmanager
def llama(folder: Path) -> Iterator[str]:
    """Serve in a process of its own, and give the server's address."""
    model, port = folder / "tiny.gguf", free_port()
    subprocess.run([sys.executable, MAKE_MODEL, model], check=True, capture_output=True, timeout=120)
    command = [sys.executable, "-m", "tests.agents.llama", str(model), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is not None or _healthy(url), "llama.cpp's server answers")
        assert process.poll() is None, "llama.cpp's server has ended"
        yield url
        process.stdin.close()


def is_busy(url: str) -> bool:
    """Whether the server writes an answer."""
    return any(slot["is_processing"] for slot in httpx.get(f"{url}/slots", trust_env=False, timeout=10).json())


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def serve(model: str, port: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = 4_096, 2, 512, 512
    params.cpuparams.n_threads, params.n_threads_http = 1, 4
    params.use_jinja, params.sampling.temp, params.model_alias = True, 0.0, {"tiny"}
    params.endpoint_slots, params.warmup, params.fit_params = True, False, False
    server = xllamacpp.Server(params)  # it serves as long as it is there
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
