"""ocf:reconciler:Dummy: a file, as slow and as faulty as it is told to be."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from agent.ocf import dummy
from tests.agent.controller import ledger_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HA_RSCTMP", str(tmp_path))
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "d1")
    monkeypatch.setenv("OCF_RESKEY_ledger", str(tmp_path / "ledger"))
    monkeypatch.setenv("RECONCILER_NODE", "guest1")
    return tmp_path / "ledger"


def test_it_runs_while_its_file_exists_and_every_change_is_in_the_ledger(ledger: Path) -> None:
    actions = ["monitor", "start", "start", "monitor", "stop", "stop", "monitor"]
    assert [dummy.run(action) for action in actions] == [7, 0, 0, 0, 0, 0, 7]
    assert ledger_of(ledger) == ["start", "stop"]
    words = ledger.read_text(encoding="ascii").splitlines()[0].split()
    assert words[2:] == ["start", "d1", "guest1"]


def test_it_can_be_promoted_and_migrated(ledger: Path) -> None:
    actions = ["promote", "migrate_from", "promote", "monitor", "demote", "monitor", "migrate_to", "monitor"]
    assert [dummy.run(action) for action in actions] == [7, 0, 0, 8, 0, 0, 0, 7]
    assert ledger_of(ledger) == ["migrate_from", "promote", "demote", "migrate_to"]


def test_it_takes_up_new_parameters_and_notices_while_it_runs(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCF_RESKEY_CRM_meta_notify_type", "post")
    monkeypatch.setenv("OCF_RESKEY_CRM_meta_notify_operation", "promote")
    assert [dummy.run(action) for action in ("reload-agent", "start", "reload-agent", "notify")] == [
        7,
        0,
        0,
        0,
    ]
    assert ledger_of(ledger) == ["start", "reload-agent", "post-promote"]


def test_it_fails_on_order(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCF_RESKEY_fail", str(tmp_path / "fail"))
    (tmp_path / "fail").write_text("monitor 1 the disk is on fire\nstop 6\nnonsense\n", encoding="ascii")
    assert [dummy.run(action) for action in ("start", "monitor", "stop")] == [0, 1, 6]
    assert capsys.readouterr().err.splitlines() == [
        "ocf-exit-reason:the disk is on fire",
        "ocf-exit-reason:stop fails on order",
    ]
    assert ledger_of(ledger) == ["start"]


def test_a_start_that_cannot_be_written_down_does_not_happen(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCF_RESKEY_ledger", str(ledger / "not-a-folder" / "ledger"))
    assert [dummy.run(action) for action in ("start", "monitor")] == [1, 7]


@pytest.mark.parametrize(("delay", "want"), [("0s", 0), ("10ms", 0), ("soon", 6), ("-1s", 6)])
@pytest.mark.usefixtures("ledger")
def test_its_delay_is_a_duration(monkeypatch: pytest.MonkeyPatch, delay: str, want: int) -> None:
    monkeypatch.setenv("OCF_RESKEY_delay", delay)
    assert [dummy.run(action) for action in ("validate-all", "start")] == [want, want]


def test_it_describes_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert dummy.run("meta-data") == 0
    root = ET.fromstring(capsys.readouterr().out)
    assert [p.get("name") for p in root.iter("parameter")] == ["state", "delay", "ledger", "fail"]
    assert dummy.run("no-such-action") == 3
