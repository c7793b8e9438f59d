"""Which attributes a node may give itself. Pure."""

import re

from reconciler.model.attribute import AttributeChange, NodeAttributes

MAX_ATTRIBUTES = 256
"""Of one node, transient and permanent together."""

MAX_NAME = 256
MAX_VALUE = 4096

_NAME = re.compile(r"[A-Za-z0-9_#][A-Za-z0-9_.:#-]*")
_NOT_ITS_OWN = frozenset(
    {"standby", "maintenance", "terminate", "shutdown", "#kind", "#uname", "#id", "#is_dc", "#node-unfenced"}
)
"""What is declared, or what we say of nodes."""

_FAILURES = ("fail-count-", "last-failure-")


def problem_of(change: AttributeChange, own: NodeAttributes) -> str:
    """Say why a node may not make this change to its attributes; empty when it may."""
    if len(change.name) > MAX_NAME or _NAME.fullmatch(change.name) is None:
        return "an attribute whose name is not allowed"
    if change.name in _NOT_ITS_OWN or change.name.startswith(_FAILURES):
        return f"{change.name}, which is not the node's to decide"
    if change.value is None:
        return ""
    if len(change.value) > MAX_VALUE:
        return f"a value of {len(change.value)} characters; at most {MAX_VALUE} are taken"
    is_new = change.name not in (own.permanent if change.is_permanent else own.transient)
    if is_new and len(own.permanent) + len(own.transient) >= MAX_ATTRIBUTES:
        return f"more than {MAX_ATTRIBUTES} attributes"
    return ""
