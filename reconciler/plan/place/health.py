"""What the health of nodes does to the scores of resources on them.

The rules (Pacemaker Explained, "Tracking Node Health"; lib/pengine/pe_health.c):

* Labels of a node that begin with `#health` are red, yellow or green, or a score; their sum is the node's health.
* The strategy says what a colour is worth: `migrate-on-red` bans on red, `only-green` on yellow too, `progressive` and
  `custom` take the policy's scores; `progressive` also begins the sum at the policy's base.
* Health counts as a location constraint on every resource. What allows unhealthy nodes disregards it below 0.
"""

from collections.abc import Mapping

from reconciler.model.names import NodeName
from reconciler.model.policy import HealthStrategy, Policy
from reconciler.model.score import INFINITY, add_scores

_PREFIX = "#health"
_WORDS = {"infinity": INFINITY, "+infinity": INFINITY, "-infinity": -INFINITY}


def node_health(policy: Policy, labels: Mapping[NodeName, Mapping[str, str]]) -> dict[NodeName, int]:
    """Return the health of each node where it is not 0, by the labels of all nodes."""
    if policy.health is HealthStrategy.NONE:
        return {}
    colours = _colours(policy)
    base = policy.health_base if policy.health is HealthStrategy.PROGRESSIVE else 0
    found: dict[NodeName, int] = {}
    for node, own in labels.items():
        health = base
        for name, value in own.items():
            if name.startswith(_PREFIX):
                health = add_scores(health, _score(value, colours))
        if health:
            found[node] = health
    return found


def _colours(policy: Policy) -> dict[str, int]:
    match policy.health:
        case HealthStrategy.NONE:
            return {"red": 0, "yellow": 0, "green": 0}
        case HealthStrategy.MIGRATE_ON_RED:
            return {"red": -INFINITY, "yellow": 0, "green": 0}
        case HealthStrategy.ONLY_GREEN:
            return {"red": -INFINITY, "yellow": -INFINITY, "green": 0}
        case HealthStrategy.PROGRESSIVE | HealthStrategy.CUSTOM:
            return {"red": policy.health_red, "yellow": policy.health_yellow, "green": policy.health_green}


def _score(value: str, colours: Mapping[str, int]) -> int:
    """Return what a label is worth; what is no score is worth nothing."""
    word = value.strip().lower()
    if word in colours:
        return colours[word]
    if word in _WORDS:
        return _WORDS[word]
    try:
        return max(-INFINITY, min(INFINITY, int(word)))
    except ValueError:
        return 0
