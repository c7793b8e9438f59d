from reconciler.model.event import Event, Severity
from reconciler.report.event import event_document
from tests.report.schemas import problems


def test_an_event_as_a_document() -> None:
    event = Event(code="agent-lost", text="lost guest1", severity=Severity.WARNING, subject="guest1")
    got = event_document(event, 12.5)
    assert got == {
        "at": 12.5,
        "code": "agent-lost",
        "severity": "warning",
        "subject": "guest1",
        "text": "lost guest1",
    }
    assert problems("event", got) == []
