"""The complete Python blocks of the documentation. `python -m tests.doc_blocks FOLDER` writes them to be checked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def file_of(code: str) -> str:
    """Return the name of the file that a complete block is; empty for others."""
    found = re.match(r"# (\w+\.py)\n", code)
    return found[1] if found else ""


def blocks(page: Path) -> list[str]:
    return [code for language, code in CODE.findall(page.read_text()) if language == "python" and file_of(code)]


def write(folder: Path) -> None:
    for page in PAGES:
        for number, code in enumerate(blocks(page)):
            (folder / f"{page.stem.replace('-', '_')}_{number}_{file_of(code)}").write_text(code)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
