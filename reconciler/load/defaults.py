"""What holds where the YAML says nothing; defaults are the loader's, the planner knows none.

Outside sources: Pacemaker Explained, "Resource Meta-Attributes" and "Resource Operations"; where a default of ours
differs from Pacemaker's (stickiness 0, migration-threshold INFINITY, start-failure-is-fatal true), DESIGN asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from reconciler.load.document import ClusterDocument
from reconciler.load.document_cluster import ClusterHealth, ClusterOptions, FencingOptions
from reconciler.load.document_common import Common
from reconciler.load.document_conduct import Conduct
from reconciler.load.document_conduct import Settings as AtTimes
from reconciler.model.policy import HealthStrategy, PlacementStrategy, Policy, QuorumPolicy
from reconciler.model.resource import MultipleActive, Requires, ResourceAgent, Role

OPERATION_TIMEOUT_MS = 20_000
GUEST_TIMEOUT_MS = 90_000
MONITOR_INTERVAL_MS = 10_000
CONNECT_TIMEOUT_MS = 60_000
DETECT_MS = 5000
SHUTDOWN_MS = 60_000
PORT = 3121
MAX_DESTROY = 1

ROLES = {"running": Role.STARTED, "stopped": Role.STOPPED, "unpromoted": Role.UNPROMOTED}
MULTIPLE_ACTIVE = {
    "restart": MultipleActive.STOP_START,
    "stop": MultipleActive.STOP_ONLY,
    "block": MultipleActive.BLOCK,
}

_OPTIONS = {
    "maintenance": "in_maintenance", "stop_all": "stops_all", "symmetric": "is_symmetric",
    "on_quorum_loss": "on_quorum_loss",
    "placement_strategy": "placement", "stop_removed": "stops_removed", "cancel_removed": "cancels_removed",
    "searched": "searches_first", "longest_pause": "longest_pause_s",
}  # fmt: skip
"""The fields of a policy by those of a document."""
_HEALTH = {
    "strategy": "health", "base": "health_base", "green": "health_green", "yellow": "health_yellow",
    "red": "health_red",
}  # fmt: skip
_FENCING = {
    "enabled": "has_fencing", "action": "fence_action", "timeout": "fence_timeout_ms", "watchdog": "has_watchdog",
    "parallel": "fences_in_parallel", "priority_delay": "priority_fencing_delay_ms",
    "remote_without_quorum": "fences_remote_without_quorum",
}  # fmt: skip

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a resource that may be left out, all known."""

    stickiness: int
    priority: int = 0
    failure_limit: int = 3
    failure_timeout_ms: int = 0
    start_failure_is_fatal: bool = False
    multiple_active: MultipleActive = MultipleActive.STOP_START
    state: Role = Role.STARTED
    is_managed: bool = True
    in_maintenance: bool = False
    is_critical: bool = True

    def overridden(self, by: Conduct | None) -> "Settings":
        """Return these settings with those that were written instead."""
        if by is None:
            return self
        own = by if isinstance(by, Common | AtTimes) else Common()
        whole = by if isinstance(by, Common) else Common()
        return Settings(
            stickiness=_first(by.stickiness, self.stickiness),
            priority=_first(by.priority, self.priority),
            failure_limit=_first(by.failure_limit, self.failure_limit),
            failure_timeout_ms=_first(by.failure_timeout, self.failure_timeout_ms),
            start_failure_is_fatal=_first(by.start_failure_is_fatal, self.start_failure_is_fatal),
            multiple_active=MULTIPLE_ACTIVE[by.multiple_active]
            if by.multiple_active
            else self.multiple_active,
            state=self.state if own.state is None else ROLES[own.state],
            is_managed=_first(own.managed, self.is_managed),
            in_maintenance=_first(whole.maintenance, self.in_maintenance),
            is_critical=_first(whole.critical, self.is_critical),
        )


RESOURCE = Settings(stickiness=1)
GUEST = Settings(stickiness=1000)
"""High enough that no guest is restarted only because a better host came back."""


def settings(cluster: ClusterDocument | None) -> tuple[Settings, Settings]:
    """Return the settings of resources and of guests that say nothing, in this cluster."""
    spec = cluster.spec if cluster is not None else None
    if spec is None or spec.defaults is None:
        return RESOURCE, GUEST
    return RESOURCE.overridden(spec.defaults.resource), GUEST.overridden(spec.defaults.guest)


def policy(cluster: ClusterDocument | None) -> Policy:
    """Return the rules that hold for the whole cluster."""
    spec = cluster.spec if cluster is not None else None
    return Policy() if spec is None else policy_of(spec, spec.fencing)


def policy_of(options: ClusterOptions, fencing: FencingOptions | None) -> Policy:
    """Return a policy by what is written of it; all else is usual."""
    pause_ms = options.longest_pause
    usual = _with_fencing(_with_health(Policy(), options.health), fencing)
    return replace(
        usual,
        in_maintenance=options.maintenance is True,
        stops_all=options.stop_all is True,
        is_symmetric=_first(options.symmetric, usual.is_symmetric),
        placement=PlacementStrategy(options.placement_strategy or usual.placement.value),
        on_quorum_loss=QuorumPolicy(options.on_quorum_loss or usual.on_quorum_loss.value),
        stops_removed=_first(options.stop_removed, usual.stops_removed),
        cancels_removed=_first(options.cancel_removed, usual.cancels_removed),
        searches_first=_first(options.searched, usual.searches_first),
        longest_pause_s=usual.longest_pause_s if pause_ms is None else pause_ms / 1000,
    )


def fields_said(options: ClusterOptions, fencing: FencingOptions | None) -> tuple[str, ...]:
    """Return the fields of a policy of which something is written."""
    parts: tuple[tuple[object, Mapping[str, str]], ...] = (
        (options, _OPTIONS), (options.health, _HEALTH), (fencing, _FENCING),
    )  # fmt: skip
    return tuple(
        name for part, names in parts for word, name in names.items() if getattr(part, word, None) is not None
    )


def requires(written: str | None, agent: ResourceAgent, policy: Policy) -> Requires:
    """Return what must hold before a resource is started (Pacemaker lib/pengine/complex.c, unpack_requires)."""
    if written is not None:
        return Requires(written)
    is_device = agent.standard == "stonith"
    return Requires.FENCING if policy.has_fencing and not is_device else Requires.QUORUM


def _with_health(usual: Policy, health: ClusterHealth | None) -> Policy:
    if health is None:
        return usual
    return replace(
        usual,
        health=HealthStrategy(health.strategy),
        health_base=_first(health.base, usual.health_base),
        health_green=_first(health.green, usual.health_green),
        health_yellow=_first(health.yellow, usual.health_yellow),
        health_red=_first(health.red, usual.health_red),
    )


def _with_fencing(usual: Policy, fencing: FencingOptions | None) -> Policy:
    if fencing is None:
        return usual
    return replace(
        usual,
        has_fencing=fencing.enabled is not False,
        fence_action=fencing.action or usual.fence_action,
        fence_timeout_ms=_first(fencing.timeout, usual.fence_timeout_ms),
        has_watchdog=_first(fencing.watchdog, usual.has_watchdog),
        fences_in_parallel=_first(fencing.parallel, usual.fences_in_parallel),
        priority_fencing_delay_ms=_first(fencing.priority_delay, usual.priority_fencing_delay_ms),
        fences_remote_without_quorum=_first(
            fencing.remote_without_quorum, usual.fences_remote_without_quorum
        ),
    )


def _first(written: _T | None, default: _T) -> _T:
    return default if written is None else written
