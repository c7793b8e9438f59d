"""What can be answered to a program's message."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent import wire
from reconciler.model.attribute import AttributeChange
from reconciler.model.names import NodeName
from reconciler.ports import ClusterView


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One message of a program, to one of the daemons that we stand in for."""

    node: NodeName
    """Where the program runs."""
    session: str
    body: wire.Element
    view: ClusterView

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return the attributes of the message's one element."""
        return self.body.attributes

    def option(self, name: str) -> int:
        """Return the bits of an attribute; 0 if they cannot be read."""
        text = self.attributes.get(name, "0")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent to the program, and what its message changes."""

    response: wire.Element | None = None
    """Only sent if the program waits for one."""
    event: wire.Element | None = None
    changes: tuple[AttributeChange, ...] = ()
    refused: str = ""
    """What it may not do, for the log; without a response its connection ends, which all programs understand."""


def refusal(what: str) -> Answer:
    """Return the answer that ends the program's connection."""
    return Answer(refused=what)


def acknowledgement(status: int = 0) -> wire.Element:
    """Return the element that says that a message came (Pacemaker lib/common/ipc_server.c, pcmk__ipc_create_ack_as)."""
    return wire.Element("ack", {"status": str(status)})
