"""Machines that we do not start are nodes like others, with no host at all."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.daemon.machines import Machine, dummy_on
from tests.daemon.stage import Stage, both, is_node, is_started

pytestmark = pytest.mark.slow

Make = Callable[..., Machine]


def cluster_yaml(stage: Stage) -> str:
    return f"apiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {{name: {stage.cluster}}}\n"


def declare(stage: Stage, one: Machine, two: Machine, state: str = "online", extra: str = "") -> None:
    machines = one.yaml(f", state: {state}{extra}") + two.yaml()
    stage.commit(all=cluster_yaml(stage) + machines + dummy_on(one, "FAKE", stage.ledger))


def fake_on_one_of_two(
    stage: Stage, machines: Make, *, connect_timeout: str = "", extra: str = ""
) -> tuple[Machine, Machine]:
    """Start two machines and the daemon, and return the machines when FAKE runs on the first."""
    one, two = machines("one"), machines("two")
    one.start()
    two.start()
    declare(stage, one, two, extra=extra)
    stage.start_daemon()
    stage.until(is_started("FAKE", "one"))
    # What could be too short for this machine to begin with counts from here on.
    if connect_timeout:
        one.connect_timeout = connect_timeout
        declare(stage, one, two, extra=extra)
        commit = stage.git("rev-parse", "HEAD")
        stage.until(both(lambda s: s["source"]["commit"] == commit, is_node("one", "online")))
    return one, two


def test_resources_run_on_machines_that_nobody_started_and_move_between_them(
    stage: Stage, machines: Make
) -> None:
    one, two = machines("one"), machines("two")
    one.start()
    two.start()
    declare(stage, one, two)
    stage.start_daemon()
    status = stage.until(is_started("FAKE", "one"))
    assert [(n["name"], n["kind"], n["state"]) for n in status["nodes"]] == [
        ("one", "remote", "online"),
        ("two", "remote", "online"),
    ]
    stage.kill_daemon()
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "one"), is_node("one", "online")))
    assert stage.lines() == ["start FAKE one"]

    declare(stage, one, two, "standby")
    stage.until(is_started("FAKE", "two"))
    assert stage.lines() == ["start FAKE one", "stop FAKE one", "start FAKE two"]


def test_a_machine_that_leaves_the_declaration_is_emptied_first_and_then_forgotten(
    stage: Stage, machines: Make
) -> None:
    _, two = fake_on_one_of_two(stage, machines)
    stage.commit(all=cluster_yaml(stage) + two.yaml() + dummy_on(two, "FAKE", stage.ledger))
    status = stage.until(both(is_started("FAKE", "two"), lambda s: len(s["nodes"]) == 1))
    assert [n["name"] for n in status["nodes"]] == ["two"]
    assert stage.lines() == ["start FAKE one", "stop FAKE one", "start FAKE two"]


def test_what_ran_on_a_machine_that_left_the_declaration_and_is_lost_waits_for_an_operator(
    stage: Stage, machines: Make
) -> None:
    one, two = fake_on_one_of_two(stage, machines, connect_timeout="2s")
    one.send(signal.SIGKILL)
    one.wait_for_end()
    stage.until(is_node("one", "unclean"))
    stage.commit(all=cluster_yaml(stage) + two.yaml() + dummy_on(two, "FAKE", stage.ledger))
    stage.reconcile(check=1)
    assert stage.lines() == ["start FAKE one"]
    stage.reconcile("confirm-fenced", "one")
    stage.until(both(is_started("FAKE", "two"), lambda s: len(s["nodes"]) == 1))
    assert stage.lines() == ["start FAKE one", "start FAKE two"]


def test_what_ran_on_a_lost_machine_waits_until_it_is_known_dead(stage: Stage, machines: Make) -> None:
    one, _ = fake_on_one_of_two(stage, machines, connect_timeout="2s")
    one.send(signal.SIGKILL)
    one.wait_for_end()
    stage.until(is_node("one", "unclean"))
    stage.reconcile("confirm-fenced", "one")
    stage.until(is_started("FAKE", "two"))
    assert stage.lines() == ["start FAKE one", "start FAKE two"]


def test_a_persons_word_that_a_machine_is_dead_waits_for_no_attempt_to_connect_it(
    stage: Stage, machines: Make
) -> None:
    one, _ = fake_on_one_of_two(stage, machines, connect_timeout="10h")
    stage.stop_daemon()
    one.send(signal.SIGKILL)
    one.wait_for_end()
    with socket.create_server(("127.0.0.1", one.port)):  # it answers nobody, and no attempt ever ends
        command = [*stage.command(), "confirm-fenced", "one"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as order:
            try:
                assert stage.wait_for_lines(2) == ["start FAKE one", "start FAKE two"]
            finally:
                order.terminate()
            _, said = order.communicate()
    assert "one is taken as dead; what ran there is recovered elsewhere" in said


def test_a_persons_word_that_a_machine_is_dead_is_refused_where_its_agent_answers(
    stage: Stage, machines: Make
) -> None:
    fake_on_one_of_two(stage, machines)
    stage.stop_daemon()
    refused = stage.reconcile("confirm-fenced", "one", check=64)
    assert "one's agent is connected: it is not dead" in refused.stderr
    assert stage.lines() == ["start FAKE one"]


def test_a_machine_whose_agent_is_asked_to_stop_is_emptied_and_let_go(stage: Stage, machines: Make) -> None:
    one, _ = fake_on_one_of_two(stage, machines)
    one.send(signal.SIGTERM)
    assert one.wait_for_end() == 0
    status = stage.until(both(is_node("one", "offline"), is_started("FAKE", "two")))
    assert stage.lines() == ["start FAKE one", "stop FAKE one", "start FAKE two"]
    assert [(n["reason"], n["text"]) for n in status["nodes"]] == [
        ("left", "its agent was asked to stop, and left in order"),
        (None, ""),
    ]
    assert [p for p in status["problems"] if p["severity"] == "error"] == []
    one.start()
    stage.until(both(is_node("one", "online"), is_started("FAKE", "one")))
    assert stage.lines()[3:] == ["stop FAKE two", "start FAKE one"]


def test_a_hung_agent_is_known_by_its_silence_and_taken_up_again(stage: Stage, machines: Make) -> None:
    one, _ = fake_on_one_of_two(stage, machines, extra=", detect: 1s")
    one.send(signal.SIGSTOP)
    stage.until(both(is_node("one", "unclean"), is_node("two", "online")))
    one.send(signal.SIGCONT)
    stage.until(both(is_node("one", "online"), is_started("FAKE", "one")))
    assert "lost one's agent: the agent was silent for 0.8 s" in stage.daemon_log.read_text()
    assert stage.lines() == ["start FAKE one"]


def test_two_nodes_with_swapped_addresses_are_refused_though_one_key_opens_both(
    stage: Stage, machines: Make
) -> None:
    one, two = machines("one"), machines("two")
    one.start()
    two.start()
    one.port, two.port = two.port, one.port
    declare(stage, one, two)
    stage.start_daemon()
    status = stage.until(lambda s: all(n["reason"] == "wrong-node" for n in s["nodes"]))
    assert [(n["state"], n["text"]) for n in status["nodes"]] == [
        ("unknown", "the agent there is that of node two"),
        ("unknown", "the agent there is that of node one"),
    ]
    assert stage.lines() == []


def test_a_newer_controller_takes_over_and_the_older_one_is_refused(stage: Stage, machines: Make) -> None:
    one, two = fake_on_one_of_two(stage, machines)
    newer = Stage(stage.folder / "newer")
    newer.cluster, newer.ledger = stage.cluster, stage.ledger
    declare(newer, one, two)
    second = int(time.time())
    while int(time.time()) <= second:  # epochs are at least the time of day, in seconds
        time.sleep(0.02)
    newer.start_daemon()
    try:
        newer.until(both(is_node("one", "online"), is_started("FAKE", "one")))
        stage.until(lambda s: all(n["reason"] == "stale" for n in s["nodes"]))
        # The older one has every reason to move it, and nobody obeys.
        declare(stage, one, two, "standby")
        stage.reconcile(check=1)
        declare(newer, one, two, "standby")
        newer.until(is_started("FAKE", "two"))
        assert stage.lines() == ["start FAKE one", "stop FAKE one", "start FAKE two"]
    finally:
        newer.end()
