"""What happened, for people and logs: one line each, and no more than was decided or seen."""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How soon a person should look."""

    INFO = "info"
    WARNING = "warning"
    """A person should look soon."""
    ERROR = "error"
    """A person must look now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was decided, done or seen."""

    code: str
    """Short and stable, such as `action-started`."""
    text: str
    severity: Severity = Severity.INFO
    subject: str = ""
    """The resource or node it is about."""
