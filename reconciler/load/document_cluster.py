"""The parts of a Cluster document, as users write them."""

from typing import Annotated, Literal

from pydantic import Field

from reconciler.load.document_placement import Condition
from reconciler.load.fields import (
    Count,
    Duration,
    Label,
    LabelName,
    Name,
    Part,
    PositiveDuration,
    Score,
    Text,
)


class Safety(Part):
    """Limits to what one commit may do."""

    max_destroy: Count | None = None
    """Guests whose domain one commit may remove for good; never limits recovery. Default 1."""


class ClusterHealth(Part):
    """What the health of nodes leads to; what counts stands in `Host.spec.health`."""

    strategy: Literal["none", "migrate-on-red", "only-green", "progressive", "custom"]
    """Pacemaker: node-health-strategy.

    migrate-on-red: nothing runs where anything is red. only-green: nor where anything is yellow. progressive: the
    sum of scores counts, from a base on. custom: the sum counts.
    """
    base: Score | None = None
    """The health that a node has before anything counts (Pacemaker: node-health-base). Default 0."""
    green: Score | None = None
    """What green is worth to progressive and custom (Pacemaker: node-health-green). Default 0."""
    yellow: Score | None = None
    """What yellow is worth (Pacemaker: node-health-yellow). Default 0."""
    red: Score | None = None
    """What red is worth (Pacemaker: node-health-red). Default -INFINITY."""


class NodeLevels(Part):
    """How several nodes are fenced that have no levels of their own: exactly one of pattern and labels."""

    pattern: Text | None = None
    """For nodes in whose name this regular expression is found (Pacemaker: target-pattern)."""
    labels: Annotated[dict[LabelName, Label], Field(min_length=1, max_length=1)] | None = None
    """For nodes with this label (Pacemaker: target-attribute and target-value)."""
    levels: Annotated[list[Annotated[list[Name], Field(min_length=1)]], Field(min_length=1, max_length=9)]
    """Fencing devices, level by level, as in `Host.spec.fencing`."""


class FencingOptions(Part):
    """Fencing: nodes that may still run something are made safe before that is recovered elsewhere."""

    enabled: bool | None = None
    """Pacemaker: fencing-enabled, formerly stonith-enabled. Default true where fencing: is written."""
    action: Literal["reboot", "off"] | None = None
    """What is done to a node (Pacemaker: fencing-action). Default reboot."""
    timeout: PositiveDuration | None = None
    """How long it may take (Pacemaker: fencing-timeout). Default 60s."""
    watchdog: bool | None = None
    """Nodes fence themselves by a watchdog, and need no device (Pacemaker: have-watchdog). Default false."""
    parallel: bool | None = None
    """Several nodes may be fenced at once (Pacemaker: concurrent-fencing). Default true."""
    priority_delay: Duration | None = None
    """How much later nodes with the weightiest resources are fenced (Pacemaker: priority-fencing-delay). Default 0s."""
    remote_without_quorum: bool | None = None
    """Remote nodes are fenced without quorum too (Pacemaker: fence-remote-without-quorum). Default false."""


class ClusterFencing(FencingOptions):
    """Fencing: nodes that may still run something are made safe before that is recovered elsewhere."""

    nodes: list[NodeLevels] | None = None
    """Which devices are used on which nodes, where hosts do not say it themselves (Pacemaker: fencing-topology)."""


class ClusterOptions(Part):
    """What holds for all, always or for a time (Pacemaker: cluster_property_set)."""

    maintenance: bool | None = None
    """true: nothing is started, stopped or monitored anywhere (Pacemaker: maintenance-mode). Default false."""
    stop_all: bool | None = None
    """true: nothing is to run, whatever is asked of it (Pacemaker: stop-all-resources). Default false."""
    symmetric: bool | None = None
    """false: all run only on nodes that their placement names (Pacemaker: symmetric-cluster). Default true."""
    on_quorum_loss: Literal["ignore", "stop", "freeze", "demote", "fence"] | None = None
    """What happens while quorum is lost (Pacemaker: no-quorum-policy). Default ignore.

    ignore: all goes on. stop: everything is stopped. freeze: what runs goes on, nothing else is started.
    demote: what is promoted is demoted, all else is stopped. fence: all nodes in reach are fenced.
    """
    placement_strategy: Literal["default", "utilization", "minimal", "balanced"] | None = None
    """What decides between nodes of the same score (Pacemaker: placement-strategy). Default default.

    default: the number of resources. utilization: the same, where enough capacity is left. minimal: as few nodes
    as possible. balanced: the capacity that is left.
    """
    stop_removed: bool | None = None
    """What is no longer declared is stopped (Pacemaker: stop-removed-resources). Default true."""
    cancel_removed: bool | None = None
    """Monitors no longer declared are ended (Pacemaker: cancel-removed-actions). Default true."""
    searched: bool | None = None
    """false: what this cluster did not start is not looked for (Pacemaker: enable-startup-probes). Default true."""
    health: ClusterHealth | None = None
    """What the health of nodes leads to. Default: nothing."""
    longest_pause: Duration | None = None
    """Longest pause between two tries of a start; 0s: none, as Pacemaker does. Default 60s."""


class ClusterOverride(ClusterOptions):
    """What holds for all at certain times (Pacemaker: cluster_property_set with a rule)."""

    when: Condition
    """The time: dates only, for it holds on every node."""
    fencing: FencingOptions | None = None
    """How nodes are fenced then."""
