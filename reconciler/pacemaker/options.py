"""Reads the cluster options, under their old and new names (Pacemaker Explained, "Cluster Options")."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from reconciler.model.intent import Cluster
from reconciler.model.policy import HealthStrategy, PlacementStrategy, Policy, QuorumPolicy
from reconciler.model.score import INFINITY
from reconciler.pacemaker.document import Cib, elements
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, integer, score

_Choice = TypeVar("_Choice", bound=Enum)
_FENCE_TIMEOUT_MS = 60_000
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
    start_failures_are_fatal: bool
    """A failed start bans its node at once."""
    has_startup_fencing: bool
    has_unfencing: bool
    """Some resource or device asks for nodes to be let in again after they were fenced."""
    fences_all: bool
    """There is no quorum, and for that every node that can be reached is to be fenced."""
    node_pending_timeout_ms: int
    """How long a node that is coming up is waited for; 0: for ever."""
    has_shutdown_locks: bool = False
    """What a node ran when it shut down is kept for it."""
    shutdown_lock_limit_ms: int = 0
    """How long; 0: for ever."""


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
    has_fencing = boolean(given.get("fencing-enabled"), default=True)
    policy = Policy(
        is_symmetric=boolean(given.get("symmetric-cluster"), default=True),
        placement=_named(PlacementStrategy, given.get("placement-strategy"), PlacementStrategy.DEFAULT),
        health=_named(HealthStrategy, given.get("node-health-strategy"), HealthStrategy.NONE),
        health_base=score(given.get("node-health-base")),
        health_green=score(given.get("node-health-green")),
        health_yellow=score(given.get("node-health-yellow")),
        health_red=score(given.get("node-health-red"), -INFINITY),
        on_quorum_loss=_quorum_policy(cib, given.get("no-quorum-policy", "stop"), has_fencing=has_fencing),
        stops_removed=boolean(given.get("stop-removed-resources"), default=True),
        searches_first=boolean(given.get("enable-startup-probes"), default=True),
        cancels_removed=boolean(given.get("cancel-removed-actions"), default=True),
        connects_hosts=False,
        has_fencing=has_fencing,
        fence_action="off" if given.get("fencing-action") in {"off", "poweroff"} else "reboot",
        fence_timeout_ms=duration_ms(given.get("fencing-timeout"), _FENCE_TIMEOUT_MS),
        has_watchdog=boolean(given.get("have-watchdog")),
        fences_in_parallel=boolean(given.get("concurrent-fencing"), default=True),
        priority_fencing_delay_ms=duration_ms(given.get("priority-fencing-delay")),
        fences_remote_without_quorum=boolean(given.get("fence-remote-without-quorum")),
        longest_pause_s=0.0,
    )
    return Options(
        cluster=Cluster(name=given.get("cluster-name", "default"), policy=policy),
        has_fencing=has_fencing,
        in_maintenance=boolean(given.get("maintenance-mode")),
        stops_all=boolean(given.get("stop-all-resources")),
        start_failures_are_fatal=boolean(given.get("start-failure-is-fatal"), default=True),
        has_startup_fencing=boolean(given.get("startup-fencing"), default=True),
        has_unfencing=_has_unfencing(cib),
        fences_all=policy.on_quorum_loss is QuorumPolicy.FENCE and not has_quorum(cib),
        node_pending_timeout_ms=duration_ms(given.get("node-pending-timeout")),
        has_shutdown_locks=boolean(given.get("shutdown-lock")),
        shutdown_lock_limit_ms=duration_ms(given.get("shutdown-lock-limit")),
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


def _quorum_policy(cib: Cib, text: str, *, has_fencing: bool) -> QuorumPolicy:
    """Return what the loss of quorum leads to; a cluster that never had quorum fences nobody for it."""
    match text.lower():
        case "ignore" | "freeze" | "demote" as said:
            return QuorumPolicy(said)
        case "fence" | "suicide":
            had_quorum = has_quorum(cib) or integer(cib.root.get("no-quorum-panic")) != 0
            return QuorumPolicy.FENCE if has_fencing and had_quorum else QuorumPolicy.STOP
        case _:
            return QuorumPolicy.STOP


def _named(choices: type[_Choice], text: str | None, default: _Choice) -> _Choice:
    return choices(text) if text in {c.value for c in choices} else default
