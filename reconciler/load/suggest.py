"""Which word was meant: close spellings, and the names that other tools use."""

from collections.abc import Iterable
from difflib import get_close_matches

_OTHER_NAMES = {
    "address": "remoteNode.address",
    "allow-migrate": "allowMigration",
    "attributes": "labels",
    "clone-max": "max",
    "clone-min": "min",
    "clone-node-max": "nodeMax",
    "connect-timeout": "connectTimeout",
    "container": "type",
    "cpus": "vcpus",
    "depends_on": "after",
    "dependson": "after",
    "failure-timeout": "failureTimeout",
    "globally-unique": "unique",
    "instance_attributes": "params",
    "is-managed": "managed",
    "key": "keyFile",
    "meta": "spec",
    "live": "allowMigration",
    "loss-policy": "onLoss",
    "migrate": "allowMigration",
    "migration-threshold": "failureLimit",
    "multiple-active": "multipleActive",
    "no-quorum-policy": "onQuorumLoss",
    "node-attribute": "same",
    "nodeselector": "placement.on",
    "on-fail": "onFail",
    "operations": "op",
    "ops": "op",
    "options": "params",
    "placement-strategy": "placementStrategy",
    "parameters": "params",
    "promoted-max": "promotable",
    "quorum": "onQuorumLoss",
    "ram": "memory",
    "remote-addr": "remoteNode.address",
    "remote-connect-timeout": "remoteNode.connectTimeout",
    "remote-node": "remoteNode",
    "remote-port": "remoteNode.port",
    "require-all": "requireAll",
    "requires": "after",
    "resource-discovery": "discovery",
    "resource-stickiness": "stickiness",
    "rsc_ticket": "tickets",
    "start-failure-is-fatal": "startFailureIsFatal",
    "rsc-role": "ownRole",
    "score-attribute": "scoreFrom",
    "stop-orphan-resources": "stopRemoved",
    "stop-removed-resources": "stopRemoved",
    "symmetric-cluster": "symmetric",
    "target-role": "state",
    "uri": "libvirt",
    "utilization": "needs",
    "with-rsc-role": "role",
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
