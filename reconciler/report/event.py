"""Events as documents, for those who watch from another process. Pure."""

from reconciler.model.event import Event
from reconciler.report.document import Document


def event_document(event: Event, at: float) -> Document:
    """Return an event as a document; `at` is in epoch seconds."""
    return {
        "at": at,
        "code": event.code,
        "severity": event.severity.value,
        "subject": event.subject,
        "text": event.text,
    }
