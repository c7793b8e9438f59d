"""What holds where the YAML says nothing; defaults are the loader's, the planner knows none.

Outside sources: Pacemaker Explained, "Resource Meta-Attributes" and "Resource Operations"; where a default of ours
differs from Pacemaker's (stickiness 0, migration-threshold INFINITY, start-failure-is-fatal true), DESIGN asks for it.
"""

from dataclasses import dataclass
from typing import TypeVar

from reconciler.load.document import ClusterDocument, Common, ResourceDefaults

OPERATION_TIMEOUT_MS = 20_000
GUEST_TIMEOUT_MS = 90_000
MONITOR_INTERVAL_MS = 10_000
CONNECT_TIMEOUT_MS = 60_000
SHUTDOWN_MS = 60_000
PORT = 3121
MAX_DESTROY = 1

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a resource that may be left out, all known."""

    stickiness: int
    priority: int = 0
    failure_limit: int = 3
    failure_timeout_ms: int = 0
    start_failure_is_fatal: bool = False

    def overridden(self, by: ResourceDefaults | Common | None) -> "Settings":
        """Return these settings with those that were written instead."""
        if by is None:
            return self
        return Settings(
            stickiness=_first(by.stickiness, self.stickiness),
            priority=_first(by.priority, self.priority),
            failure_limit=_first(by.failure_limit, self.failure_limit),
            failure_timeout_ms=_first(by.failure_timeout, self.failure_timeout_ms),
            start_failure_is_fatal=_first(by.start_failure_is_fatal, self.start_failure_is_fatal),
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


def _first(written: _T | None, default: _T) -> _T:
    return default if written is None else written
