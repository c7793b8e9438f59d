"""The tree of errors; each class says in one sentence what went wrong.

ReconcilerError
├── UsageError            the command line or a name given on it is wrong
├── SourceError           the declaration's source cannot be read
├── StateError            the state folder is not ours to use
├── KeyStoreError         a key is missing, unreadable or too short
├── HypervisorError       a host's hypervisor refused or failed
│   └── HypervisorUnreachableError   ... or could not be asked at all
└── LinkError             an agent cannot be talked to; its `reason` says how
    └── OutcomeUnknownError          an operation was sent and its result will not come
"""

from reconciler.model.node import LinkReason


class ReconcilerError(Exception):
    """Something the product answers for; its text is shown to the user as it stands."""


class UsageError(ReconcilerError):
    """The command line, or a name given on it, is wrong."""


class SourceError(ReconcilerError):
    """The folder or repository with the declaration cannot be read."""


class StateError(ReconcilerError):
    """The state folder is locked, damaged, or bound to another source or machine."""


class KeyStoreError(ReconcilerError):
    """A key is missing, unreadable or too short."""


class HypervisorError(ReconcilerError):
    """A hypervisor answered that it cannot do what was asked."""


class HypervisorUnreachableError(HypervisorError):
    """A hypervisor could not be asked; what it runs is unknown."""


class LinkError(ReconcilerError):
    """An agent cannot be talked to."""

    def __init__(self, reason: LinkReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class OutcomeUnknownError(LinkError):
    """An operation was sent, and the link was lost before its result came."""
