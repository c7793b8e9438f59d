"""Rules that hold for a whole cluster; the defaults are those of a cluster of ours."""

from dataclasses import dataclass
from enum import Enum

from reconciler.model.score import INFINITY


class QuorumPolicy(Enum):
    """What happens while quorum is lost (Pacemaker's no-quorum-policy)."""

    IGNORE = "ignore"
    """All goes on."""
    STOP = "stop"
    """Everything is stopped."""
    FREEZE = "freeze"
    """What runs goes on and may move; nothing else is started."""
    DEMOTE = "demote"
    """What is promoted is demoted; everything else is stopped."""
    FENCE = "fence"
    """All nodes that can be reached are fenced."""


class PlacementStrategy(Enum):
    """What decides between nodes of the same score (Pacemaker's placement-strategy)."""

    DEFAULT = "default"
    """The number of resources; what they need is disregarded."""
    UTILIZATION = "utilization"
    """The number of resources, among the nodes that have enough capacity left."""
    MINIMAL = "minimal"
    """As few nodes as possible, among those that have enough capacity left."""
    BALANCED = "balanced"
    """The capacity that is left."""


class HealthStrategy(Enum):
    """What the health of nodes leads to (Pacemaker's node-health-strategy)."""

    NONE = "none"
    MIGRATE_ON_RED = "migrate-on-red"
    """Nothing runs where anything is red."""
    ONLY_GREEN = "only-green"
    """Nothing runs where anything is yellow or red."""
    PROGRESSIVE = "progressive"
    """Colours are worth what the policy says, and a node begins with a base."""
    CUSTOM = "custom"
    """Colours are worth what the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The cluster options that decisions depend on (Pacemaker Explained, "Cluster Options")."""

    is_symmetric: bool = True
    """Resources may run everywhere; False: only where a location constraint says so."""
    placement: PlacementStrategy = PlacementStrategy.DEFAULT
    health: HealthStrategy = HealthStrategy.NONE
    health_base: int = 0
    """The health that a node has before any of its labels counts; for the progressive strategy."""
    health_green: int = 0
    """What green is worth to the progressive and the custom strategy; likewise yellow and red."""
    health_yellow: int = 0
    health_red: int = -INFINITY
    on_quorum_loss: QuorumPolicy = QuorumPolicy.IGNORE
    stops_removed: bool = True
    """What is no longer declared is stopped."""
    searches_first: bool = True
    """What was not asked about on a node is looked for there, before anything is started."""
    cancels_removed: bool = True
    """Monitors that are no longer declared are disarmed."""
    connects_hosts: bool = True
    """Hosts are connected by us; False: they join by themselves, as a Pacemaker cluster's nodes do."""
    has_fencing: bool = False
    """Nodes that may still run something are fenced before that is recovered elsewhere."""
    fence_action: str = "reboot"
    """What fencing does to a node: reboot or off."""
    fence_timeout_ms: int = 60_000
    has_watchdog: bool = False
    """Nodes fence themselves by a watchdog, so that no fencing device is needed."""
    fences_in_parallel: bool = True
    """Several nodes may be fenced at once."""
    priority_fencing_delay_ms: int = 0
    """How much later the nodes with the weightiest resources are fenced; 0: not."""
    fences_remote_without_quorum: bool = False
    """Remote nodes may be fenced while the cluster has no quorum."""
    in_maintenance: bool = False
    """Nothing is started, stopped or monitored anywhere (Pacemaker's maintenance-mode)."""
    stops_all: bool = False
    """Nothing is to run, whatever is asked of it (Pacemaker's stop-all-resources)."""
    longest_pause_s: float = 60.0
    """Longest pause between two tries of a start; 0: none, as Pacemaker does."""

    @property
    def is_for_all(self) -> bool:
        """Tell whether it changes what is asked of each resource."""
        return self.in_maintenance or self.stops_all
