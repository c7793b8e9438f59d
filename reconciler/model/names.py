"""Names of things and places in files; nothing here knows what is named."""

import re
from dataclasses import dataclass
from typing import NewType

NodeName = NewType("NodeName", str)
"""A host, a guest node or a remote node."""

ResourceId = NewType("ResourceId", str)
"""A resource, guests included. Nodes and resources share one name space."""

TicketName = NewType("TicketName", str)
"""A ticket, which one of several sites holds at a time."""

ActionId = NewType("ActionId", str)
"""An action within one transition, such as ``FAKE_start_0@guest1``; stable for the same decision."""

LEGAL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
MAX_NAME_LENGTH = 128
"""Characters; host names have 64 on Linux, and every name ends up in file names and XML."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Where:
    """A place in a file that the user wrote; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def is_legal_name(name: str) -> bool:
    """Tell whether a name may be given to a node or a resource."""
    return len(name) <= MAX_NAME_LENGTH and LEGAL_NAME.match(name) is not None
