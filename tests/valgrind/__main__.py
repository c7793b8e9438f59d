# ruff: noqa: T201 - says on stdout what was found
"""Runs the binding of GnuTLS under valgrind: python -m tests.valgrind. It fails if memory is used that is not ours.

A call that reads beyond its memory is made first, to see that valgrind sees it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_FOUND = 99
"""Exit code of valgrind when it found something."""


def main() -> None:
    """Run, print valgrind's summary, and exit with 1 if it found anything, or does not find what is there."""
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not here: apt-get install valgrind")
    control = _run("overrun")
    if control.returncode != _FOUND or "Invalid read" not in control.stderr:
        sys.exit(f"valgrind did not see a read beyond the end\n{control.stderr}")
    done = _run()
    print(done.stdout + done.stderr.splitlines()[-1].partition("== ")[2])
    if done.returncode:
        sys.exit(done.stderr)


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    options = [f"--error-exitcode={_FOUND}", "--num-callers=30", "--leak-check=no"]
    suppressions = f"--suppressions={Path(__file__).with_name('cpython.supp')}"
    command = [
        "valgrind",
        *options,
        suppressions,
        sys.executable,
        "-m",
        "tests.valgrind.scenario",
        *arguments,
    ]
    # Python's own allocator takes memory in large pieces, and valgrind would not see the end of a small one.
    environment = {**os.environ, "PYTHONMALLOC": "malloc"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
