from reconciler.loop.words import describe_doing, describe_launch, describe_outcome
from reconciler.model.event import Event, Severity
from reconciler.model.node import LinkReason
from reconciler.model.transition import ActionKind, Reason
from tests.loop.memories import FAKE, G1, action, outcome

START = action(ActionKind.START, G1, FAKE, reasons=(Reason("declared", "it runs nowhere"),))
CONNECT = action(ActionKind.CONNECT, G1)


def test_what_begins_is_told_with_its_reason() -> None:
    assert describe_launch(START) == Event(
        code="start-begun", text="starting FAKE on guest1 (it runs nowhere)", subject="FAKE"
    )
    assert describe_launch(CONNECT) == Event(code="connect-begun", text="connecting guest1", subject="guest1")


def test_probes_and_monitors_are_no_news() -> None:
    for kind in (ActionKind.PROBE, ActionKind.MONITOR, ActionKind.CANCEL, ActionKind.DISCONNECT):
        quiet = action(kind, G1, None if kind is ActionKind.DISCONNECT else FAKE)
        assert (describe_launch(quiet), describe_outcome(outcome(quiet))) == (None, None)


def test_what_ended_is_told_as_it_ended() -> None:
    assert describe_outcome(outcome(START)) == Event(
        code="start-done", text="started FAKE on guest1", subject="FAKE"
    )
    assert describe_outcome(outcome(START, 1, text="rc 1")) == Event(
        code="action-failed",
        text="start of FAKE on guest1 failed: rc 1",
        severity=Severity.WARNING,
        subject="FAKE",
    )
    lost = outcome(START, None, reason=LinkReason.LOST, text="link lost")
    assert describe_outcome(lost) == Event(
        code="outcome-unknown",
        text="start of FAKE on guest1: outcome unknown, link lost",
        severity=Severity.WARNING,
        subject="FAKE",
    )
    refused = outcome(CONNECT, reason=LinkReason.REFUSED, text="nothing listens")
    told = describe_outcome(refused)
    assert told is not None
    assert told.text == "connect of guest1 failed: nothing listens"


def test_every_kind_of_action_has_a_word_for_while_it_lasts() -> None:
    assert {k.value: describe_doing(action(k, G1, FAKE)).split(" FAKE")[0] for k in ActionKind} == {
        "probe": "looking for",
        "start": "starting",
        "stop": "stopping",
        "reload-agent": "reloading",
        "monitor": "monitoring",
        "cancel": "no longer monitoring",
        "connect": "connecting",
        "disconnect": "leaving",
        "migrate_to": "handing over",
        "migrate_from": "taking over",
        "fence": "fencing",
        "unfence": "unfencing",
        "release": "letting go",
    }
