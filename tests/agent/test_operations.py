"""One operation: what it gets, how it ends, what ends with it and what lives on, whoever is killed meanwhile."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from agent.wire import Exec, ExecStatus, OperationResult, Phase
from tests.agent.controller import is_running, ledger_of, pid_in, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.controller import Agent

pytestmark = pytest.mark.slow

TIMEOUT_MS = 8000
"""Of an operation that is to reach it, and has to get under way before on a machine that is held up."""


def test_the_environment_is_built_from_nothing(
    agents: Callable[..., Agent], scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Show", 'env > "$OCF_RESKEY_out.new"\nmv "$OCF_RESKEY_out.new" "$OCF_RESKEY_out"\n')
    one = agents()
    one.start("--ocf-root", str(tmp_path / "ocf"), environment={**os.environ, "SECRET": "x"})
    client = one.connect()
    client.add("s1", "ocf:test:Show")
    out = tmp_path / "out"
    params = {"out": str(out), "CRM_meta_timeout": "20000", "OCF_CHECK_LEVEL": "10", "text": 'a\'b "c" €'}
    assert client.run("s1", "monitor", params).exec_rc == 0
    got = dict(line.partition("=")[::2] for line in out.read_text(encoding="utf-8").splitlines())
    assert {name: value for name, value in got.items() if name not in ("PWD", "_", "SHLVL", "OLDPWD")} == {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "LC_ALL": "C",
        "HOME": "/root" if os.geteuid() == 0 else "/",
        "OCF_ROOT": str(tmp_path / "ocf"),
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": "s1",
        "OCF_RESOURCE_TYPE": "Show",
        "OCF_RESOURCE_PROVIDER": "test",
        "OCF_EXIT_REASON_PREFIX": "ocf-exit-reason:",
        "HA_debug": "0",
        "HA_LOGD": "no",
        "RECONCILER_NODE": "guest1",
        "OCF_CHECK_LEVEL": "10",
        "OCF_RESKEY_out": str(out),
        "OCF_RESKEY_CRM_meta_timeout": "20000",
        "OCF_RESKEY_text": 'a\'b "c" €',
    }


def test_a_resource_agent_gets_no_input_and_none_of_our_files(
    scripted: Agent, scripts: Callable[[str, str], None]
) -> None:
    scripts("Files", "for f in /proc/$$/fd/*; do echo $(basename $f) $(readlink $f); done; pwd; umask\n")
    client = scripted.connect()
    client.add("f1", "ocf:test:Files")
    lines = client.run("f1", "monitor").output.splitlines()
    # 10 is dash's own copy of the script.
    names = [line.split()[0] for line in lines[:-2] if "Files" not in line and not line.startswith("3 pipe")]
    assert (names, lines[0], lines[-2:]) == (["0", "1", "2"], "0 /dev/null", ["/", "0022"])


@pytest.mark.parametrize(
    ("script", "want"),
    [
        ("exit 0", (0, ExecStatus.DONE, "", "")),
        ("echo out; exit 7", (7, ExecStatus.DONE, "", "out\n")),
        ("echo out; echo err >&2; exit 1", (1, ExecStatus.DONE, "", "err\n")),
        ("echo ocf-exit-reason:first >&2; echo 'ocf-exit-reason:the last' >&2; exit 1",
         (1, ExecStatus.DONE, "the last", "ocf-exit-reason:first\nocf-exit-reason:the last\n")),
        ("exit 3", (3, ExecStatus.DONE, "", "")),
        ("kill -9 $$", (1, ExecStatus.ERROR, "Process interrupted by signal 9", "")),
        ("printf 'a\\001\\377b'", (0, ExecStatus.DONE, "", "a?\ufffdb")),
    ],
    ids=["success", "not-running", "stderr-first", "last-reason", "unimplemented", "signal", "hostile-text"],
)  # fmt: skip
def test_an_exit_becomes_a_result(
    scripted: Agent,
    scripts: Callable[[str, str], None],
    script: str,
    want: tuple[int, int, str, str],
) -> None:
    scripts("One", script + "\n")
    client = scripted.connect()
    client.add("o1", "ocf:test:One")
    result = client.run("o1", "monitor")
    assert (result.exec_rc, result.op_status, result.exit_reason, result.output) == want


def test_userdata_and_parameters_come_back(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    params = {"state": str(tmp_path / "s"), "9lives": "yes"}
    call_id = client.rc(Exec("d1", "monitor", 20_000, userdata="13:4:0:x<&>", params=params, uid="u9"))
    result = client.result(call_id)
    assert result == OperationResult(
        "d1",
        "monitor",
        call_id,
        exec_rc=7,
        op_status=0,
        timeout_ms=20_000,
        ran_at_s=result.ran_at_s,
        exec_time_ms=result.exec_time_ms,
        queue_time_ms=result.queue_time_ms,
        userdata="13:4:0:x<&>",
        params=params,
        uid="u9",
    )


def test_output_is_bounded_and_its_end_is_kept(scripted: Agent, scripts: Callable[[str, str], None]) -> None:
    scripts("Loud", "head -c 3000000 /dev/zero | tr '\\0' x; echo the end\n")
    client = scripted.connect()
    client.add("l1", "ocf:test:Loud")
    output = client.run("l1", "monitor").output
    assert (len(output), output[-9:]) == (64 * 1024, "xthe end\n")


def test_a_missing_resource_agent_is_not_installed(running: Agent) -> None:
    client = running.connect()
    client.add("x1", "ocf:heartbeat:NoSuchThing")
    result = client.run("x1", "monitor")
    assert (result.exec_rc, result.op_status) == (5, ExecStatus.NOT_INSTALLED)
    assert "ocf:heartbeat:NoSuchThing is not installed" in result.exit_reason


@pytest.mark.parametrize(
    "request_",
    [
        Exec("d1", "destroy", 1000),
        Exec("d1", "../start", 1000),
        Exec("d1", "start", -1),
        Exec("d1", "start", 1000, params={"a=b": "c"}),
        Exec("d1", "start", 1000, params={"a b": "c"}),
    ],
    ids=["unknown-action", "path-as-action", "timeout", "equals-in-name", "blank-in-name"],
)
def test_what_may_not_be_asked_is_refused(running: Agent, request_: Exec) -> None:
    client = running.connect()
    client.add("d1")
    assert client.rc(request_) == -22


def test_a_timeout_kills_the_whole_tree_daemons_included(
    scripted: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    """The daemon left its parent, its session and its process group, and ignores SIGTERM."""
    scripts(
        "Stuck",
        """
        setsid sh -c 'trap "" TERM; echo $$ > "$OCF_RESKEY_pid"; while :; do sleep 0.1; done' >/dev/null 2>&1 &
        while [ ! -s "$OCF_RESKEY_pid" ]; do sleep 0.01; done
        ( sleep 1h & )
        sleep 1h
        """,
    )
    client = scripted.connect()
    client.add("t1", "ocf:test:Stuck")
    result = client.run("t1", "start", {"pid": str(tmp_path / "pid")}, timeout_ms=TIMEOUT_MS)
    assert (result.exec_rc, result.op_status, result.exit_reason) == (
        1,
        ExecStatus.TIMEOUT,
        f"Resource agent did not complete within {TIMEOUT_MS // 1000}s",
    )
    assert not is_running(pid_in(tmp_path / "pid"))
    (record,) = client.records()
    assert (record.phase, record.op_status) == (Phase.FAILED, ExecStatus.TIMEOUT)


def test_a_daemon_survives_the_start_that_left_it_and_the_agent(
    scripted: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    """Even one that keeps its standard output and goes on writing to it."""
    scripts(
        "Daemon",
        """
        ( trap "" HUP; echo $(sh -c 'echo $PPID') > "$OCF_RESKEY_pid"
          n=0; while :; do n=$((n+1)); echo still here; echo $n > "$OCF_RESKEY_pid.n"; sleep 0.02; done ) &
        while [ ! -s "$OCF_RESKEY_pid.n" ]; do sleep 0.01; done
        """,
    )
    client = scripted.connect()
    client.add("d1", "ocf:test:Daemon")
    assert client.run("d1", "start", {"pid": str(tmp_path / "pid")}).exec_rc == 0
    pid = pid_in(tmp_path / "pid")
    try:
        assert scripted.terminate() == 0
        written = tmp_path / "pid.n"
        before = pid_in(written)
        wait_until(lambda: pid_in(written) > before + 10, "the daemon writes on")
        assert is_running(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_one_operation_a_resource_in_order_and_resources_beside_each_other(
    scripted: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts(
        "Log",
        """
        echo "begin $1" >> "$OCF_RESKEY_log"
        while [ ! -e "$OCF_RESKEY_go" ]; do sleep 0.01; done
        echo "end $1" >> "$OCF_RESKEY_log"
        """,
    )
    client = scripted.connect()
    client.add("a", "ocf:test:Log")
    client.add("b", "ocf:test:Log")
    log, go = tmp_path / "log", tmp_path / "go"
    params = {"log": str(log), "go": str(go)}
    calls = [client.begin("a", action, params) for action in ("start", "monitor", "stop")]
    assert client.run("b", "start", {"log": str(tmp_path / "other"), "go": str(tmp_path)}).exec_rc == 0
    go.touch()
    for call_id in calls:
        assert client.result(call_id).exec_rc == 0
    assert log.read_text(encoding="ascii").splitlines() == [
        f"{what} {action}" for action in ("start", "monitor", "stop") for what in ("begin", "end")
    ]


def test_a_uid_in_flight_is_joined_and_one_that_has_ended_is_told_again(
    running: Agent, tmp_path: Path
) -> None:
    params = {"state": str(tmp_path / "state"), "ledger": str(tmp_path / "ledger"), "delay": "300ms"}
    first, second = running.connect("first"), running.connect("second")
    first.add("d1")
    calls = (
        first.begin("d1", "start", params, uid="u1"),
        second.begin("d1", "start", params, uid="u1"),
    )
    results = (first.result(calls[0]), second.result(calls[1]))
    again = second.run("d1", "start", params, uid="u1")
    for result in (*results, again):
        assert (result.exec_rc, result.op_status, result.uid) == (0, 0, "u1")
    assert ledger_of(tmp_path / "ledger") == ["start"]
    assert first.rc(Exec("d1", "stop", 1000, uid="u1")) == -22
