"""ocf:reconciler:Process: one daemon, known for certain, and all of it gone after a stop."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

import agent
from agent import processes
from tests.agent.controller import PATIENCE_S, ledger_of, wait_until

pytestmark = pytest.mark.slow

PYTHON = shlex.quote(sys.executable)
ROOT = str(Path(agent.__file__).parent.parent)


class Ran(NamedTuple):
    code: int
    reason: str


class Process:
    """The resource agent, run as a program of its own with its parameters in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid_file = folder / "Process-p1.pid"
        self.log = folder / "log"
        self.ledger = folder / "ledger"
        self.params = {"ledger": str(self.ledger), "logfile": str(self.log)}
        self.settle_s: float | None = None
        """How long a start without a monitor command looks whether its daemon stays; None: as it usually does."""

    def run(self, action: str, **params: str) -> Ran:
        result = self.run_raw(action, **params)
        reasons = [line for line in result.stderr.splitlines() if line.startswith("ocf-exit-reason:")]
        assert "Traceback" not in result.stderr, result.stderr
        return Ran(result.returncode, reasons[-1].partition(":")[2] if reasons else "")

    def run_raw(self, action: str, **params: str) -> subprocess.CompletedProcess[str]:
        self.params.update(params)
        environment = {
            "PATH": "/usr/bin:/bin",
            "HA_RSCTMP": str(self.folder),
            "OCF_RESOURCE_INSTANCE": "p1",
            "RECONCILER_NODE": "guest1",
            "RECONCILER_GUEST": "uuid:uid",
            **{f"OCF_RESKEY_{name}": value for name, value in self.params.items()},
        }
        settle = f"from agent.ocf import process; process._SETTLE_S = {self.settle_s}; "
        code = f"import sys; sys.path.insert(0, {ROOT!r}); {settle if self.settle_s else ''}"
        code += "from agent.__main__ import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-I", "-c", code, "ocf", "Process", action],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def pid(self) -> int:
        return int(self.pid_file.read_text(encoding="ascii").split()[0])

    def end(self) -> None:
        self.params.pop("stop_signal", None)
        self.run("stop", stop_timeout="0s")


@pytest.fixture
def process(tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a generator, shown below
    one = Process(tmp_path)
    yield one
    one.end()


def test_a_daemon_is_started_monitored_and_stopped_once(process: Process) -> None:
    assert process.run("monitor", command="sleep 1h") == Ran(7, "")
    assert process.run("start") == Ran(0, "")
    pid = process.pid()
    assert process.run("start") == Ran(0, "")
    assert process.pid() == pid
    assert process.run("monitor") == Ran(0, "")
    state = processes.read_process(pid)
    assert state is not None
    assert (state.session, state.group) == (pid, pid)
    assert process.run("stop") == Ran(0, "")
    assert processes.read_process(pid) is None or processes.read_process(pid).state == "Z"  # type: ignore[union-attr]
    assert process.run("stop") == Ran(0, "")
    assert process.run("monitor") == Ran(7, "")
    assert ledger_of(process.ledger) == ["start", "stop"]


def test_a_web_server_is_up_when_its_start_has_ended(process: Process) -> None:
    site = process.folder / "site"
    site.mkdir()
    (site / "index.html").write_text("hello", encoding="ascii")
    get = (
        "import sys, urllib.request as u; port = open(sys.argv[1]).read().partition('port ')[2].split()[:1]; "
    )
    get += "sys.exit(not port or u.urlopen(f'http://127.0.0.1:{port[0]}/').read() != b'hello')"
    assert process.run(
        "start",
        command=f"{PYTHON} -u -m http.server --bind 127.0.0.1 0",
        directory=str(site),
        monitor_command=f"{PYTHON} -c {shlex.quote(get)} {process.log}",
    ) == Ran(0, "")
    assert process.run("monitor") == Ran(0, "")


def test_a_recycled_pid_is_never_believed_nor_killed(process: Process) -> None:
    innocent = subprocess.Popen(["sleep", "3600"], start_new_session=True)
    try:
        process.pid_file.write_text(f"{innocent.pid} 1 p1:token\n", encoding="ascii")
        assert process.run("monitor", command="sleep 1h") == Ran(7, "")
        assert process.run("stop") == Ran(0, "")
        assert innocent.poll() is None
        assert ledger_of(process.ledger) == []
    finally:
        innocent.kill()
        innocent.wait()


def test_a_foreign_pid_file_is_an_error(process: Process) -> None:
    process.pid_file.write_text("1\n", encoding="ascii")
    ran = process.run("monitor", command="sleep 1h")
    assert (ran.code, "was not written by this resource agent" in ran.reason) == (1, True)
    process.pid_file.unlink()


def test_children_of_a_dead_daemon_are_a_failure_and_a_stop_ends_them(process: Process) -> None:
    """The child has left the daemon's session, so that only its environment tells whose it is."""
    child = process.folder / "child"
    script = f"setsid sh -c 'echo $$ > {child}; exec sleep 1h' & sleep 1h"
    assert process.run("start", command=f"sh -c {shlex.quote(script)}") == Ran(0, "")
    wait_until(lambda: child.exists() and bool(child.read_text(encoding="ascii")), "the child runs")
    child_pid = int(child.read_text(encoding="ascii"))
    leader = processes.identify(process.pid())
    os.kill(leader.pid, signal.SIGKILL)
    wait_until(lambda: not processes.is_alive(leader), "the daemon is dead")
    ran = process.run("monitor")
    assert (ran.code, "its children still run" in ran.reason) == (1, True)
    assert process.run("stop") == Ran(0, "")
    assert not processes.is_alive(processes.identify(child_pid))


def test_a_daemon_that_ignores_its_stop_signal_is_killed(process: Process) -> None:
    ready = process.folder / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done"
    process.run("start", command=f"sh -c {shlex.quote(script)}", monitor_command=f"test -e {ready}")
    leader = processes.identify(process.pid())
    assert process.run("stop", stop_timeout="200ms") == Ran(0, "")
    assert not processes.is_alive(leader)


def test_the_stop_signal_can_be_chosen(process: Process) -> None:
    told = process.folder / "told"
    ready = process.folder / "ready"
    script = f"trap 'echo int > {told}; exit' INT; touch {ready}; while :; do sleep 0.05; done"
    process.run("start", command=f"sh -c {shlex.quote(script)}", monitor_command=f"test -e {ready}")
    assert process.run("stop", stop_signal="INT") == Ran(0, "")
    assert told.read_text(encoding="ascii") == "int\n"


def test_a_daemon_that_ends_at_once_is_a_failed_start(process: Process) -> None:
    process.settle_s = PATIENCE_S  # for this machine may take its time until it gets there
    assert process.run("start", command="sh -c 'exit 9'") == Ran(
        1, "the command exited with 9 right after its start"
    )
    assert process.run("monitor") == Ran(7, "")


def test_a_failing_monitor_command_is_a_failure(process: Process) -> None:
    flag = process.folder / "flag"
    flag.touch()
    assert process.run("start", command="sleep 1h", monitor_command=f"test -e {flag}") == Ran(0, "")
    flag.unlink()
    assert process.run("monitor") == Ran(1, "monitor_command exited with 1")


def test_the_environment_and_the_directory_are_as_asked(process: Process) -> None:
    out = process.folder / "out"
    script = f"env > {out}.new; pwd >> {out}.new; mv {out}.new {out}; sleep 1h"
    process.run(
        "start",
        command=f"/bin/sh -c {shlex.quote(script)}",
        environment="A=1\n\n B=two words = x",
        directory=str(process.folder),
        monitor_command=f"test -e {out}",
    )
    lines = out.read_text(encoding="ascii").splitlines()
    got = sorted(line for line in lines if not re.match(r"(PWD|OLDPWD|SHLVL|_)=", line))
    assert [line for line in got if not line.startswith("RECONCILER_PROCESS=p1:")] == [
        str(process.folder),
        "A=1",
        "B=two words = x",
        "LC_ALL=C.UTF-8",
        "PATH=/usr/bin:/bin",
        "RECONCILER_GUEST=uuid:uid",
    ]
    assert len(got) == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_user_is_as_asked(process: Process) -> None:
    assert process.run("start", command="sleep 1h", user="nobody", logfile="/dev/null") == Ran(0, "")
    status = Path(f"/proc/{process.pid()}/status").read_text(encoding="ascii")
    assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", status, re.MULTILINE)
    assert re.search(r"^Groups:\t65534 ?$", status, re.MULTILINE)


@pytest.mark.parametrize(
    ("params", "want"),
    [
        ({}, Ran(6, "the parameter command is required")),
        ({"command": "no-such-program-here x"}, Ran(5, "there is no program no-such-program-here")),
        ({"command": "sh -c 'oops"}, Ran(6, "command: No closing quotation")),
        ({"command": "sh", "user": "no-such-user"}, Ran(5, "there is no user no-such-user")),
        ({"command": "sh", "directory": "/no/such"}, Ran(5, "there is no directory /no/such")),
        ({"command": "sh", "stop_signal": "LOUD"},
         Ran(6, "stop_signal LOUD is no signal (write TERM or INT)")),
        ({"command": "sh", "stop_timeout": "soon"},
         Ran(6, "stop_timeout is not a duration: 'soon' (write 5s, 500ms or 2m)")),
        ({"command": "sh", "environment": "A"}, Ran(6, "environment: 'A' is not KEY=VALUE")),
        ({"command": "sh"}, Ran(0, "")),
    ],
)  # fmt: skip
def test_parameters_are_checked(process: Process, params: dict[str, str], want: Ran) -> None:
    assert process.run("validate-all", **params) == want
    if want.code:
        assert process.run("start") == want
    process.params.clear()


def test_what_it_cannot_do_is_unimplemented(process: Process) -> None:
    assert process.run("promote", command="sleep 1h") == Ran(3, "")


def test_it_describes_itself(process: Process) -> None:
    root = ET.fromstring(process.run_raw("meta-data").stdout)
    names = [parameter.get("name") for parameter in root.iter("parameter")]
    assert names == [
        "command",
        "directory",
        "user",
        "environment",
        "logfile",
        "pidfile",
        "stop_signal",
        "stop_timeout",
        "monitor_command",
        "ledger",
    ]
    actions = [action.get("name") for action in root.iter("action")]
    assert actions == ["start", "stop", "monitor", "validate-all", "meta-data"]
