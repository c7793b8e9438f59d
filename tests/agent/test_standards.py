"""Systemd units and LSB scripts behind OCF exit codes, with programs that stand for systemctl and scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import agent
from tests.agent.controller import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = str(Path(agent.__file__).parent.parent)


class Ran(NamedTuple):
    code: int
    reason: str


def call(code: str, *arguments: str, path: Path | None = None) -> Ran:
    """Run one line of Python in a process of its own, as the shim does."""
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {ROOT!r}); {code}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in result.stderr, result.stderr
    reasons = [line for line in result.stderr.splitlines() if line.startswith("ocf-exit-reason:")]
    return Ran(result.returncode, reasons[-1].partition(":")[2] if reasons else "")


def write_program(path: Path, text: str) -> None:
    path.write_text("#!/bin/sh\n" + text, encoding="ascii")
    path.chmod(0o755)


class Systemd:
    """A systemctl whose units are files: LoadState, ActiveState, and what a start or stop makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_program(
            folder / "systemctl",
            f"""
            cd {folder}
            while [ "${{1#--}}" != "$1" ]; do shift; done
            verb=$1; for unit; do :; done
            echo "$verb $unit" >> calls
            case $verb in
            show) [ -e $unit ] || {{ echo LoadState=not-found; echo ActiveState=inactive; exit 0; }}
                  echo LoadState=loaded; echo "ActiveState=$(head -1 $unit)"; echo SubState=sub; echo Result=why
                  cat $unit.more 2>/dev/null; sed -i 1d $unit; [ -s $unit ] || cp $unit.now $unit;;
            start|stop|reload|reset-failed) cp $unit.$verb $unit; cp $unit.$verb $unit.now; cat $unit.code;;
            esac
            exit $(cat $unit.$verb.code 2>/dev/null || echo 0)
            """,
        )

    def unit(self, name: str, *states: str, start: str = "active", stop: str = "inactive") -> None:
        for suffix, text in (
            ("", "\n".join(states)),
            (".now", states[-1]),
            (".start", start),
            (".stop", stop),
            (".reset-failed", "inactive"),
            (".code", ""),
        ):
            (self.folder / f"{name}{suffix}").write_text(text + "\n", encoding="ascii")

    def run(self, action: str, name: str) -> Ran:
        code = "from pathlib import Path; from agent.standards import systemd; "
        code += "sys.exit(systemd.run(*sys.argv[1:3], Path(sys.argv[3])))"
        return call(code, action, name, str(self.folder / "no-bus"), path=self.folder)

    def calls(self) -> list[str]:
        lines = (self.folder / "calls").read_text(encoding="ascii").splitlines()
        return [line for line in lines if not line.startswith("show")]


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


@pytest.mark.parametrize(
    ("states", "want"),
    [
        (["active"], Ran(0, "")),
        (["reloading"], Ran(0, "")),
        (["inactive"], Ran(7, "")),
        (["failed"], Ran(1, "web.service is failed (sub, why)")),
        (["activating", "activating", "active"], Ran(0, "")),
        (["deactivating", "inactive"], Ran(7, "")),
    ],
    ids=["active", "reloading", "inactive", "failed", "activating", "deactivating"],
)
def test_a_monitor_says_what_the_unit_is_once_it_has_settled(
    systemd: Systemd, states: list[str], want: Ran
) -> None:
    systemd.unit("web.service", *states)
    assert systemd.run("monitor", "web") == want


def test_a_start_ends_with_an_active_unit(systemd: Systemd) -> None:
    systemd.unit("web.service", "inactive")
    assert systemd.run("start", "web") == Ran(0, "")
    assert systemd.calls() == ["start web.service"]


def test_a_start_that_fails_says_why(systemd: Systemd) -> None:
    systemd.unit("web.service", "inactive", start="failed")
    (systemd.folder / "web.service.start.code").write_text("1", encoding="ascii")
    assert systemd.run("start", "web") == Ran(1, "systemctl start web.service exited with 1 (sub, why)")


def test_a_failure_comes_with_the_exit_status_and_the_last_words_of_the_program(systemd: Systemd) -> None:
    systemd.unit("web.service", "failed")
    more = systemd.folder / "web.service.more"
    more.write_text("Result=exit-code\nExecMainStatus=3\nStatusText=no disk\n", encoding="ascii")
    assert systemd.run("monitor", "web") == Ran(1, "web.service is failed (sub, exit-code 3): no disk")
    more.write_text("Result=timeout\nExecMainStatus=15\nStatusText=\n", encoding="ascii")
    assert systemd.run("monitor", "web") == Ran(1, "web.service is failed (sub, timeout)")


def test_a_masked_unit_is_not_installed(systemd: Systemd) -> None:
    systemd.unit("web.service", "inactive")
    (systemd.folder / "web.service.more").write_text("LoadState=masked\n", encoding="ascii")
    assert systemd.run("start", "web") == Ran(5, "web.service is masked")
    assert systemd.run("monitor", "web") == Ran(7, "")


def test_a_unit_that_is_not_there_is_not_installed_and_stopped(systemd: Systemd) -> None:
    assert systemd.run("start", "nothing") == Ran(5, "nothing.service is not installed")
    assert systemd.run("monitor", "nothing") == Ran(7, "")
    assert systemd.run("stop", "nothing") == Ran(0, "")


def test_a_unit_that_failed_while_stopping_is_stopped_and_forgiven(systemd: Systemd) -> None:
    systemd.unit("web.socket", "active", stop="failed")
    assert systemd.run("stop", "web.socket") == Ran(0, "")
    assert systemd.calls() == ["stop web.socket", "reset-failed web.socket"]


def test_a_unit_that_stays_active_was_not_stopped(systemd: Systemd) -> None:
    systemd.unit("web.service", "active", stop="active")
    assert systemd.run("stop", "web") == Ran(1, "web.service is active after its stop")


@pytest.mark.parametrize("name", ["../web", "web;reboot", "-H", "a b", ""])
def test_what_is_no_unit_name_never_reaches_systemctl(systemd: Systemd, name: str) -> None:
    assert systemd.run("start", name).code == 6
    assert not (systemd.folder / "calls").exists()


@pytest.mark.parametrize("action", ["promote", "migrate_to", "validate-all"])
def test_what_units_cannot_do_is_unimplemented(systemd: Systemd, action: str) -> None:
    assert systemd.run(action, "web").code == 3


@pytest.mark.parametrize(
    ("action", "exit_code", "want"),
    [
        ("monitor", 0, 0),
        ("monitor", 1, 7),
        ("monitor", 2, 7),
        ("monitor", 3, 7),
        ("monitor", 4, 1),
        ("monitor", 150, 1),
        ("start", 0, 0),
        ("start", 1, 1),
        ("start", 5, 5),
        ("start", 7, 1),
        ("stop", 0, 0),
        ("stop", 7, 0),
        ("stop", 1, 1),
        ("promote", 0, 3),
    ],
)
def test_an_lsb_exit_code_becomes_an_ocf_one(tmp_path: Path, action: str, exit_code: int, want: int) -> None:
    script = tmp_path / "web"
    write_program(script, f'echo "$@" >> {tmp_path}/calls\nexit {exit_code}\n')
    code = "from pathlib import Path; from agent.standards import lsb; "
    code += "sys.exit(lsb.run(sys.argv[1], Path(sys.argv[2])))"
    assert call(code, action, str(script)).code == want
    if action != "promote":
        word = "status" if action == "monitor" else action
        assert (tmp_path / "calls").read_text(encoding="ascii") == f"{word}\n"
