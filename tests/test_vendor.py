"""The files of others that the package ships."""

from __future__ import annotations

import gzip
import hashlib
import json
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from htmxchat.http.assets import STATIC

VENDOR = STATIC / "vendor"
SCRIPT = Path(__file__).parent.parent / "scripts" / "vendor"


def check(directory: Path) -> list[str]:
    wrong: list[str] = runpy.run_path(str(SCRIPT))["check"](directory)
    return wrong


def test_every_file_is_in_the_manifest_as_it_was_published() -> None:
    files = json.loads((VENDOR / "manifest.json").read_text())["files"]
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present == {*files, "manifest.json"}
    for name, entry in files.items():
        content = (VENDOR / name).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content)), name


def test_every_package_comes_with_its_licence() -> None:
    files = json.loads((VENDOR / "manifest.json").read_text())["files"]
    assert all(entry["licence"] for entry in files.values())
    with_text = {entry["package"] for name, entry in files.items() if "LICENSE" in name}
    assert with_text == {entry["package"] for entry in files.values()}
    for name in files:
        if "LICENSE" in name:
            text = (VENDOR / name).read_text(encoding="utf-8")
            known = "Permission to use", "Mozilla Public License, version 2.0", "PYTHON SOFTWARE FOUNDATION LICENSE"
            assert any(each in text for each in known), name


def test_the_package_is_under_the_licences_of_all_that_it_ships() -> None:
    project = tomllib.loads((SCRIPT.parent.parent / "pyproject.toml").read_text())["project"]
    files = json.loads((VENDOR / "manifest.json").read_text())["files"]
    shipped = {licence for entry in files.values() for licence in entry["licence"].split(" AND ")}
    assert set(project["license"].split(" AND ")) == {"MIT", *shipped}


def test_the_wheel_names_the_licence_of_everything_that_it_ships(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=SCRIPT.parent.parent, check=True, capture_output=True)
    (file,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(file) as wheel:
        names = wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        named = Parser().parsestr(wheel.read(metadata).decode()).get_all("License-File") or []
    licences = metadata.replace("METADATA", "licenses/")
    shipped = {f"htmxchat/{each.relative_to(STATIC.parent)}" for each in STATIC.rglob("*LICENSE*")}
    assert {"LICENSE", *shipped} == set(named) == {name.removeprefix(licences) for name in names if licences in name}


def test_nothing_refers_to_a_source_map_that_is_not_there() -> None:
    for file in VENDOR.rglob("*.js"):
        assert b"sourceMappingURL" not in file.read_bytes(), file.name


def test_the_check_finds_nothing_wrong() -> None:
    assert check(VENDOR) == []


def test_the_check_notices_every_kind_of_change(tmp_path: Path) -> None:
    copy = tmp_path / "vendor"
    shutil.copytree(VENDOR, copy)
    (copy / "htmx.min.js").write_bytes((copy / "htmx.min.js").read_bytes() + b"\n")
    (copy / "hx-sse.min.js").unlink()
    (copy / "more.js").write_text("")
    assert sorted(check(copy)) == [
        "htmx.min.js is not what htmx.org 4.0.1 published",
        "hx-sse.min.js is missing",
        "more.js is not in the manifest",
    ]


def test_the_check_notices_a_compressed_file_that_holds_something_else(tmp_path: Path) -> None:
    copy = tmp_path / "vendor"
    shutil.copytree(VENDOR, copy)
    name, content = "pyodide/pyodide.asm.mjs.gz", gzip.compress(b"something else")
    (copy / name).write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert check(copy) == [f"{name} is not pyodide.asm.mjs, compressed"]
