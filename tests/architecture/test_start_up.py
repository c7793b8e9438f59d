"""What must be instant loads nothing heavy."""

import subprocess
import sys

HEAVY = ("pydantic", "ruamel", "libvirt", "lxml", "watchfiles", "cryptography", "rich", "asyncio", "sqlite3")


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, reconciler.cli.main; print(','.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.strip().split(",")}
    assert sorted(loaded & set(HEAVY)) == []


def test_simulate_loads_neither_pydantic_nor_ruamel() -> None:
    code = "import sys, reconciler.cli.simulate; print(','.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.strip().split(",")}
    assert sorted(loaded & {"pydantic", "ruamel", "libvirt", "watchfiles", "cryptography"}) == []
