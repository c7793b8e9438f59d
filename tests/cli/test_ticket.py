"""Tickets from the command line: with a daemon, without one, and after it was killed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import DECLARED, Run, git
from tests.daemon.stage import Stage, Status, dummy_yaml, host_yaml, is_started

NEEDING = DECLARED + "  tickets: [shop]\n"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.end()


def is_on_standby(status: Status) -> bool:
    (fake,) = status["resources"]
    return (fake["nodes"], fake["problem"]) == ([], "ticket shop is on standby")


def test_tickets_are_listed_with_what_needs_them(cli: Run, declared: Path) -> None:
    none = cli("ticket", "list")
    assert (none.code, none.out, none.err) == (0, "", "nothing that is declared needs a ticket\n")
    (declared / "cluster.yaml").write_text(NEEDING)
    line = len(NEEDING.splitlines())
    found = cli("ticket", "list")
    want = f"shop  not granted; needed by FAKE (cluster.yaml:{line})\n"
    assert (found.code, found.out, found.err) == (0, want, "")
    (ticket,) = json.loads(cli("ticket", "list", "-o", "json").out)["tickets"]
    assert (ticket["name"], ticket["granted"], ticket["last_granted"]) == ("shop", False, None)


@pytest.mark.slow
def test_what_needs_a_ticket_runs_while_it_is_granted_with_and_without_a_daemon(stage: Stage) -> None:
    extra = "  tickets: [shop]\n"
    fake = dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY", extra=extra)
    stage.commit(host=host_yaml("tickets"), fake=fake)
    line = fake.splitlines().index(extra.rstrip()) + 1
    before = stage.reconcile()
    assert "resource/FAKE: ticket shop is not granted" in before.stdout
    assert stage.lines() == []
    assert f"ticket shop is not granted  (fake.yaml:{line})" in stage.reconcile("plan").stdout
    assert "ticket shop is not granted" in stage.reconcile("why", "FAKE").stdout

    stage.reconcile("ticket", "grant", "shop")
    assert stage.lines() == ["start FAKE host1"]
    # Before anything else is done, for what it let run may run elsewhere by now.
    stage.reconcile("ticket", "revoke", "SHOP")
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"]

    stage.start_daemon()
    assert stage.reconcile("ticket", "grant", "shop").stdout == "ticket shop is granted\n"
    stage.until(is_started("FAKE", "host1"))
    stage.kill_daemon()
    stage.start_daemon()
    listed = stage.reconcile("ticket", "list").stdout
    assert listed.startswith("shop  granted (last granted ")
    assert stage.reconcile("ticket", "standby", "shop").stdout == "ticket shop is granted, on standby\n"
    stage.until(is_on_standby)
    assert stage.reconcile("ticket", "activate", "shop").stdout == "ticket shop is granted\n"
    stage.until(is_started("FAKE", "host1"))
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"] * 2 + ["start FAKE host1"]
    unknown = stage.reconcile("ticket", "revoke", "shpo", check=64)
    assert unknown.stderr == "error: there is no ticket 'shpo'; did you mean shop?\n"


@pytest.mark.slow
def test_a_ticket_that_was_lost_while_nobody_ruled_starts_nothing(stage: Stage) -> None:
    extra = "  tickets: [shop]\n"
    fake = dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY", extra=extra)
    stage.commit(host=host_yaml("tickets"), fake=fake.replace("  tickets", "  state: stopped\n  tickets"))
    stage.reconcile("ticket", "grant", "shop")
    stage.commit(fake=fake)
    stage.reconcile("ticket", "revoke", "shop")
    assert stage.lines() == []


@pytest.mark.usefixtures("repository")
def test_on_paper_every_ticket_is_granted_but_a_new_one(cli: Run, declared: Path) -> None:
    line = len(NEEDING.splitlines())
    for text in (NEEDING, NEEDING + "  stickiness: 5\n"):
        (declared / "cluster.yaml").write_text(text)
        git(declared, "commit", "-qam", "next")
    brought_in = cli("--revision", "HEAD~1", "plan", "--against", "HEAD~2")
    assert (
        f"  -   resource/FAKE  stop  on host1\n      ticket shop is not granted  (cluster.yaml:{line})"
        in (brought_in.out)
    )
    there_before = cli("plan", "--against", "HEAD~1")
    assert "Plan: 0 to add, 0 to change, 0 to destroy." in there_before.out
    failed = cli("simulate", "--fail-resource", "FAKE", "-o", "json")
    (scenario,) = json.loads(failed.out)["scenarios"]
    assert (failed.code, scenario["cannot_run"]) == (0, [])
