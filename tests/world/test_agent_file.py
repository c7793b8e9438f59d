"""The agent's file: the same package gives the same bytes, and a file once made is left alone."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from reconciler.world.agent_file import build_agent_file, pack_agent


def make_package(folder: Path) -> Path:
    package = folder / "agent"
    (package / "ocf" / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("def main():\n    print('hello')\n    return 3\n")
    (package / "ocf" / "__init__.py").write_text("")
    (package / "ocf" / "__pycache__" / "x.pyc").write_bytes(b"junk")
    return package


def test_same_files_give_the_same_bytes_whatever_their_times(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = make_package(tmp_path / "a"), make_package(tmp_path / "b")
    os.utime(second / "__init__.py", (1_000_000_000, 1_000_000_000))
    assert pack_agent(first) == pack_agent(second)


def test_caches_stay_out_and_each_source_is_compiled_for_this_python(tmp_path: Path) -> None:
    content = pack_agent(make_package(tmp_path))
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert names == [
        "__main__.py",
        "agent/__init__.py",
        "agent/__init__.pyc",
        "agent/__main__.py",
        "agent/__main__.pyc",
        "agent/ocf/__init__.py",
        "agent/ocf/__init__.pyc",
    ]


def test_file_runs_isolated_and_returns_what_main_returns(tmp_path: Path) -> None:
    path = tmp_path / "agent.pyz"
    path.write_bytes(pack_agent(make_package(tmp_path)))
    done = subprocess.run([sys.executable, "-I", "-S", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "hello\n")


def test_present_file_is_used_again_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    path = build_agent_file(tmp_path / "made")
    written = path.stat()
    assert build_agent_file(tmp_path / "made") == path
    # reading it may move its access time: what was written, and when, is the point
    seen = path.stat()
    assert (seen.st_ino, seen.st_size, seen.st_mtime_ns) == (
        written.st_ino,
        written.st_size,
        written.st_mtime_ns,
    )
    path.write_bytes(b"damaged")
    build_agent_file(tmp_path / "made")
    assert path.stat().st_size == written.st_size
    assert [entry.name for entry in (tmp_path / "made").iterdir()] == [path.name]
