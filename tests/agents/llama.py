"""Serve a model with llama.cpp's own server, until standard input ends: `python llama.py MODEL PORT`."""

from __future__ import annotations

import sys

import xllamacpp


def main(model: str, port: int) -> None:
    """Serve, and say so on standard output."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel, params.n_batch, params.n_ubatch = 4_096, 2, 512, 512
    params.cpuparams.n_threads, params.n_threads_http = 1, 4
    params.use_jinja, params.sampling.temp, params.model_alias = True, 0.0, {"tiny"}
    params.endpoint_slots, params.warmup, params.fit_params = True, False, False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
