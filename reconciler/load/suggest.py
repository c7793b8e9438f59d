"""Which word was meant: close spellings, and the names that other tools use."""

from collections.abc import Iterable
from difflib import get_close_matches

_OTHER_NAMES = {
    "address": "remoteNode.address",
    "connect-timeout": "connectTimeout",
    "container": "type",
    "cpus": "vcpus",
    "depends_on": "after",
    "dependson": "after",
    "failure-timeout": "failureTimeout",
    "instance_attributes": "params",
    "is-managed": "managed",
    "key": "keyFile",
    "meta": "spec",
    "migration-threshold": "failureLimit",
    "nodeselector": "placement.on",
    "on-fail": "onFail",
    "operations": "op",
    "ops": "op",
    "options": "params",
    "parameters": "params",
    "ram": "memory",
    "remote-addr": "remoteNode.address",
    "remote-connect-timeout": "remoteNode.connectTimeout",
    "remote-node": "remoteNode",
    "remote-port": "remoteNode.port",
    "requires": "after",
    "resource-stickiness": "stickiness",
    "start-failure-is-fatal": "startFailureIsFatal",
    "target-role": "state",
    "uri": "libvirt",
    "xml": "domain",
}
"""Pacemaker's and other tools' words for our fields."""


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None when none is close."""
    spellings = {name.lower(): name for name in sorted(known, reverse=True)}
    lower = word[:100].lower()
    if lower in spellings:
        return spellings[lower]
    other = _OTHER_NAMES.get(lower)
    if other is not None and other.split(".")[0] in spellings.values():
        return other
    close = get_close_matches(lower, sorted(spellings), n=1, cutoff=0.6)
    return spellings[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], *, limit: int = 12) -> str:
    """Return a hint: the word that was probably meant, or all known words if they are few."""
    names = sorted(set(known))
    found = suggest(word, names)
    if found is not None:
        return f"did you mean {found}?"
    if not names:
        return ""
    return f"known are {', '.join(names)}" if len(names) <= limit else ""
