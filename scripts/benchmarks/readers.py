"""Many readers of one stream, in a process of their own: `python -m scripts.benchmarks.readers PORT PATH COUNT`.

With `--hold` they keep the stream open until standard input closes; otherwise they read it to its end. Prints `open`
when all are connected, and at the end a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import sys

AT_ONCE = 64
PATIENCE = 300


async def read(port: int, path: str, slots: asyncio.Semaphore, opened: asyncio.Event, end: asyncio.Event) -> str:
    """Return what one reader got; in between say when the first of it was there."""
    async with slots:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 12)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        got = [await reader.readuntil(b"\r\n\r\n"), await reader.read(1 << 12)]
        if b" 200 " not in got[0].partition(b"\r\n")[0]:
            raise RuntimeError(got[0].decode())
        opened.set()
    if end.is_set():  # read it all
        while chunk := await reader.read(1 << 16):
            got.append(chunk)
    else:
        await end.wait()
    writer.close()
    return b"".join(got).decode(errors="replace")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("count", type=int)
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    slots, end = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    opened = [asyncio.Event() for _ in range(options.count)]
    if not options.hold:
        end.set()
    async with asyncio.timeout(PATIENCE):
        readers = [asyncio.create_task(read(options.port, options.path, slots, each, end)) for each in opened]
        await asyncio.gather(*(each.wait() for each in opened))
        print("open", flush=True)
        if options.hold:
            await asyncio.to_thread(sys.stdin.read)
            end.set()
        texts = await asyncio.gather(*readers)
    words = min(len(set(re.findall(r"word\d+", text))) for text in texts)
    ended = sum("event: end" in text for text in texts)
    print(json.dumps({"words": words, "wire": max(map(len, texts)), "ended": ended}))


if __name__ == "__main__":
    asyncio.run(main())
