"""What runs beside a script in the sandbox: it finds imports, runs the script, and says its result as JSON.

Whatever a script does to these functions, it does to its own result only.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import builtins
import contextlib
import importlib.util
import io
import json
import linecache
import math
import random
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from pyodide.code import eval_code_async

FILENAME = "script.py"

# What a result may hold. The page has the last word.
MOST_TEXT = 60_000  # characters of a value
MOST_TRACEBACK = 12_000
MOST_ROWS = 500
MOST_COLUMNS = 50
MOST_CELL = 400
MOST_TABLE = 200_000  # characters of JSON
MOST_PICTURES = 500_000  # characters of Base64, all together

_task: asyncio.Task[Any] | None = None
_main = types.ModuleType("__main__")


def _input(prompt: object = "") -> str:
    raise RuntimeError("input() is not available: nobody can answer while the script runs. Write the value into it.")


def prepare(nap: Callable[[float], None]) -> str:
    """Make Python ready for a script, and return its version.

    Args:
        nap: Holds everything up for so many milliseconds, and raises KeyboardInterrupt if that is asked for.
    """
    now = time.monotonic

    def sleep(seconds: float) -> None:
        # Pyodide's own lets the event loop run, where an interrupt would hit something else than the script.
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        end = now() + seconds
        while (left := end - now()) > 0:
            nap(min(left, 0.04) * 1_000)

    builtins.input = _input
    setattr(time, "sleep", sleep)  # noqa: B010
    random.seed()  # a memory snapshot has the seed of the process that made it
    return ".".join(map(str, sys.version_info[:3]))


def missing(code: str) -> str:
    """Return the names of the modules that a script imports and that are not here, as JSON."""
    try:
        tree = ast.parse(code)
    except Exception:  # running it says so better
        return "[]"
    names = {name.split(".")[0] for name in _imports(tree)}
    return json.dumps(sorted(name for name in names if not _is_here(name)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _is_here(name: str) -> bool:
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except Exception:
        return False


async def run(code: str, keep: bool) -> str:
    """Run a script and return its end, as JSON: `{"type": "end", …}`.

    Args:
        keep: Whether it sees the names of the script before it.
    """
    global _task, _main
    _task = asyncio.current_task()
    if not keep or sys.modules.get("__main__") is not _main:
        _main = types.ModuleType("__main__")
        sys.modules["__main__"] = _main
    linecache.cache[FILENAME] = (len(code), None, code.splitlines(True), FILENAME)
    end: dict[str, Any] = {"type": "end", "value": None, "pictures": [], "error": None, "truncated": False}
    try:
        value = await eval_code_async(code, _main.__dict__, filename=FILENAME)
        pictures = Pictures()
        end["value"] = describe(value, pictures)
        pictures.add_open_figures()
        end |= {"pictures": pictures.found, "truncated": pictures.left_out}
    except SystemExit as error:
        if error.code not in (None, 0):
            end["error"] = _error(error)
    except BaseException as error:
        end["error"] = _error(error)
    finally:
        _task = None
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    return json.dumps(end)


def cancel() -> None:
    """Stop a script that awaits something: one that computes is interrupted by other means."""
    if _task is not None:
        for task in asyncio.all_tasks(asyncio.get_event_loop()):
            if getattr(task, "_fut_waiter", None) is not None:
                task.cancel()


def _error(error: BaseException) -> dict[str, str]:
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != FILENAME:
        frames = frames.tb_next
    try:
        told = traceback.TracebackException.from_exception(error.with_traceback(frames))
        told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename != "sandbox"])
        lines = "".join(told.format())
    except Exception:
        lines = f"{name}: its traceback cannot be shown\n"
    module = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    return {
        "type": name[:MOST_CELL],
        "message": _cut(_text(str, error.msg if isinstance(error, SyntaxError) else error), 2_000),
        "traceback": _cut_middle(lines, MOST_TRACEBACK),
        "module": module.split(".")[0],
    }


class Pictures:
    """The pictures of a result, as far as there is room for them."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []
        self.left_out = False
        self._room = MOST_PICTURES

    def add(self, type: str, content: object) -> dict[str, str] | None:
        """Keep a picture if it fits, and return it."""
        if isinstance(content, str):
            content = content.encode()
        if not isinstance(content, bytes) or not content:
            return None
        text = base64.b64encode(content).decode()
        if len(text) > self._room:
            self.left_out = True
            return None
        self._room -= len(text)
        return {"kind": "image", "type": type, "base64": text}

    def add_figure(self, figure: Any) -> dict[str, str] | None:
        """Keep a figure of matplotlib as it would be shown."""
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=96, bbox_inches="tight")
        return self.add("image/png", file.getvalue())

    def add_open_figures(self) -> None:
        """Keep the figures that the script has left open, as `plt.show()` would, and close them."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            picture = self.add_figure(pyplot.figure(number))
            if picture:
                self.found.append(picture)
        pyplot.close("all")


def describe(value: Any, pictures: Pictures) -> dict[str, Any] | None:
    """Return a value as data: text, a table or a picture; `None` when there is nothing to show."""
    if value is None:
        return None
    kind = type(value)
    module = kind.__module__.split(".")[0]
    if module == "matplotlib" and hasattr(value, "savefig"):
        picture = pictures.add_figure(value)
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close(value)
        return picture or _plain(value)
    if module == "pandas" and kind.__name__ == "Series":
        value, kind = value.to_frame(), type(value.to_frame())
    if module == "pandas" and kind.__name__ == "DataFrame":
        index = [str(name) if name is not None else "" for name in value.index.names]
        columns = [*index, *(_name(column) for column in value.columns)]
        return table(columns, value.head(MOST_ROWS).itertuples(name=None), len(value), flat=len(index) == 1)
    if kind is list and value and all(type(row) is dict for row in value):
        keys = list(dict.fromkeys(key for row in value for key in row))
        rows = ([row.get(key) for key in keys] for row in value)
        return table([_name(key) for key in keys], rows, len(value))
    for method, type_ in (("_repr_svg_", "image/svg+xml"), ("_repr_png_", "image/png")):
        content = _shown(value, method)
        picture = pictures.add(type_, content) if content is not None else None
        if picture:
            return picture
    html = _shown(value, "_repr_html_")
    if isinstance(html, str):
        return {"kind": "text", "text": _cut(html, MOST_TEXT), "format": "html"}
    return _plain(value)


def table(columns: list[str], rows: Iterable[Iterable[Any]], total: int, flat: bool = True) -> dict[str, Any]:
    """Return a table: as many columns and rows of it as there is room for."""
    room = MOST_TABLE
    cells: list[list[Any]] = []
    for row in islice(rows, MOST_ROWS):
        first, *others = row
        values = [first, *others] if flat else [*first, *others]
        kept = [_cell(value) for value in values[:MOST_COLUMNS]]
        room -= len(json.dumps(kept))
        if room < 0:
            break
        cells.append(kept)
    return {"kind": "table", "columns": columns[:MOST_COLUMNS], "rows": cells, "total": total, "width": len(columns)}


def _cell(value: Any) -> str | int | float | bool | None:
    if hasattr(value, "item") and type(value).__module__ == "numpy":
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return _cut(_text(str, value), MOST_CELL)


def _plain(value: Any) -> dict[str, Any]:
    return {"kind": "text", "text": _cut(_text(repr, value), MOST_TEXT), "format": "plain"}


def _shown(value: Any, method: str) -> Any:
    # A class has the methods of its instances, but not their pictures.
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        return None
    try:
        return getattr(value, method)()
    except Exception:
        return None


def _name(value: Any) -> str:
    return _cut(_text(str, value), MOST_CELL)


def _text(convert: Any, value: Any) -> str:
    try:
        return str(convert(value))
    except Exception as error:
        return f"<{type(value).__name__}, which cannot be shown: {type(error).__name__}>"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def _cut_middle(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… ({len(text) - most} characters left out)\n{text[-half:]}"


types.SimpleNamespace(prepare=prepare, missing=missing, run=run, cancel=cancel)
