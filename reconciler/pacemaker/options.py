"""Reads the cluster options, under their old and new names (Pacemaker Explained, "Cluster Options")."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from reconciler.model.intent import Cluster
from reconciler.model.policy import HealthStrategy, PlacementStrategy, Policy, QuorumPolicy
from reconciler.model.rule import PolicyOverride
from reconciler.model.score import INFINITY
from reconciler.pacemaker.document import Cib, elements
from reconciler.pacemaker.overrides import Conditional, settings_of
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
_MAINTENANCE, _STOP_ALL = "maintenance-mode", "stop-all-resources"
_OF_POLICY = {
    _MAINTENANCE: "in_maintenance", _STOP_ALL: "stops_all", "symmetric-cluster": "is_symmetric",
    "placement-strategy": "placement",
    "node-health-strategy": "health", "node-health-base": "health_base", "node-health-green": "health_green",
    "node-health-yellow": "health_yellow", "node-health-red": "health_red", "no-quorum-policy": "on_quorum_loss",
    "stop-removed-resources": "stops_removed", "enable-startup-probes": "searches_first",
    "cancel-removed-actions": "cancels_removed", "fencing-enabled": "has_fencing", "fencing-action": "fence_action",
    "fencing-timeout": "fence_timeout_ms", "have-watchdog": "has_watchdog",
    "concurrent-fencing": "fences_in_parallel", "priority-fencing-delay": "priority_fencing_delay_ms",
    "fence-remote-without-quorum": "fences_remote_without_quorum",
}  # fmt: skip
"""The fields of a policy by the options that say them: what can differ from time to time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that reading the rest of a CIB depends on."""

    cluster: Cluster
    """With the policy as it is at the time of the CIB."""
    declared: Policy
    """The policy whatever rules say, over which `overrides` hold at times."""
    overrides: tuple[PolicyOverride, ...]
    has_fencing: bool
    in_maintenance: bool
    """At all times; where it depends on the time, that is left to `overrides`."""
    stops_all: bool
    """Likewise."""
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
    blocks = cib.section("configuration/crm_config")
    found = settings_of(cib, [blocks], Subject(now=cib.now), first="cib-bootstrap-options")
    always, given = _modern(found.always), _modern(found.at(cib.now))
    overrides = tuple(_override(cib, always, one) for one in found.conditional)
    # What holds for all resources at all times is written into each while they are read.
    varied = {name for override in overrides for name in override.fields}
    is_paused, is_stopped = "in_maintenance" in varied, "stops_all" in varied
    declared = _policy(cib, always)
    declared = replace(
        declared,
        in_maintenance=declared.in_maintenance and is_paused,
        stops_all=declared.stops_all and is_stopped,
    )
    policy = replace(_policy(cib, given), in_maintenance=False, stops_all=False)
    return Options(
        cluster=Cluster(name=given.get("cluster-name", "default"), policy=policy),
        declared=declared,
        overrides=tuple(override for override in overrides if override.fields),
        has_fencing=policy.has_fencing,
        in_maintenance=boolean(given.get(_MAINTENANCE)) and not is_paused,
        stops_all=boolean(given.get(_STOP_ALL)) and not is_stopped,
        start_failures_are_fatal=boolean(given.get("start-failure-is-fatal"), default=True),
        has_startup_fencing=boolean(given.get("startup-fencing"), default=True),
        has_unfencing=_has_unfencing(cib),
        fences_all=policy.on_quorum_loss is QuorumPolicy.FENCE and not has_quorum(cib),
        node_pending_timeout_ms=duration_ms(given.get("node-pending-timeout")),
        has_shutdown_locks=boolean(given.get("shutdown-lock")),
        shutdown_lock_limit_ms=duration_ms(given.get("shutdown-lock-limit")),
    )


def _override(cib: Cib, always: Mapping[str, str], one: Conditional) -> PolicyOverride:
    said = _modern(one.pairs)
    fields = tuple(_OF_POLICY[name] for name in said if name in _OF_POLICY)
    return PolicyOverride(
        when=one.when, where=one.where, policy=_policy(cib, {**always, **said}), fields=fields
    )


def _policy(cib: Cib, given: Mapping[str, str]) -> Policy:
    """Return the policy by options under their present names."""
    has_fencing = boolean(given.get("fencing-enabled"), default=True)
    return Policy(
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
        in_maintenance=boolean(given.get(_MAINTENANCE)),
        stops_all=boolean(given.get(_STOP_ALL)),
        longest_pause_s=0.0,
    )


def is_variable(option: str) -> bool:
    """Tell whether a cluster option, by its old or new name, can differ from time to time."""
    return not _OF_POLICY.keys().isdisjoint(_modern({option: ""}))


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
