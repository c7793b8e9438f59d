"""Reads the cluster options, under their old and new names (Pacemaker Explained, "Cluster Options")."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.intent import Cluster
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.pacemaker.document import Cib, elements
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean

_RENAMED = {
    "stonith-": "fencing-",
    "stop-orphan-resources": "stop-removed-resources",
    "stop-orphan-actions": "cancel-removed-actions",
}
"""Names before Pacemaker 3.0.2, and those since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that reading the rest of a CIB depends on."""

    cluster: Cluster
    has_fencing: bool
    in_maintenance: bool
    stops_all: bool
    has_startup_fencing: bool
    has_unfencing: bool
    """Some resource or device asks for nodes to be let in again after they were fenced."""


def read_options(cib: Cib) -> Options:
    """Return the cluster options, with Pacemaker's defaults."""
    given = _modern(
        pairs(
            cib,
            cib.section("configuration/crm_config"),
            Subject(now=cib.now),
            first="cib-bootstrap-options",
        )
    )
    policy = Policy(
        is_symmetric=boolean(given.get("symmetric-cluster"), default=True),
        on_quorum_loss=_quorum_policy(cib, given.get("no-quorum-policy", "stop")),
        stops_removed=boolean(given.get("stop-removed-resources"), default=True),
        cancels_removed=boolean(given.get("cancel-removed-actions"), default=True),
        connects_hosts=False,
        longest_pause_s=0.0,
    )
    _note_unsupported(cib, given)
    return Options(
        cluster=Cluster(name=given.get("cluster-name", "default"), policy=policy),
        has_fencing=boolean(given.get("fencing-enabled"), default=True),
        in_maintenance=boolean(given.get("maintenance-mode")),
        stops_all=boolean(given.get("stop-all-resources")),
        has_startup_fencing=boolean(given.get("startup-fencing"), default=True),
        has_unfencing=_has_unfencing(cib),
    )


def has_quorum(cib: Cib) -> bool:
    """Tell whether the cluster had quorum when the CIB was written."""
    return boolean(cib.root.get("have-quorum"))


def _has_unfencing(cib: Cib) -> bool:
    """Tell whether anything asks for unfencing (Pacemaker lib/pengine/unpack.c, XPATH_ENABLE_UNFENCING)."""
    return any(
        pair.get("value") == "unfencing" and pair.get("name") in {"provides", "requires"}
        for section in ("configuration/resources", "configuration/rsc_defaults")
        for parent in cib.section(section)
        for block in parent.iter("meta_attributes")
        for pair in elements(block, "nvpair")
    )


def _modern(given: Mapping[str, str]) -> dict[str, str]:
    """Return options under their names since Pacemaker 3.0.2; a new name wins over an old one."""
    found: dict[str, str] = {}
    for name, value in given.items():
        for old, new in _RENAMED.items():
            if name.startswith(old):
                found.setdefault(new + name.removeprefix(old), value)
    return {**found, **given}


def _quorum_policy(cib: Cib, text: str) -> QuorumPolicy:
    match text:
        case "ignore" | "stop" | "freeze":
            return QuorumPolicy(text)
        case _:
            cib.note(cib.root, "no-quorum-policy", f"no-quorum-policy={text} is taken as stop")
            return QuorumPolicy.STOP


def _note_unsupported(cib: Cib, given: Mapping[str, str]) -> None:
    ignored = {
        "placement-strategy": ("default",),
        "node-health-strategy": ("none",),
        "shutdown-lock": ("false",),
    }
    for name, harmless in ignored.items():
        if name in given and given[name] not in harmless:
            cib.note(cib.root, name, f"{name}={given[name]} is not supported yet")
    if boolean(given.get("fencing-enabled"), default=True):
        cib.note(cib.root, "fencing", "fencing is not supported yet: no node is fenced")
