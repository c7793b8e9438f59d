"""The health of nodes counts as a location constraint."""

from reconciler.model.names import NodeName
from reconciler.model.policy import HealthStrategy, Policy
from reconciler.model.score import INFINITY
from reconciler.plan.place.health import node_health
from tests.plan.place.places import places, with_labels, with_policy
from tests.plan.worlds import dummy, intent

LABELS: dict[NodeName, dict[str, str]] = {
    NodeName("h1"): {"#health_disk": "red", "rack": "red"},
    NodeName("h2"): {"#health_disk": "yellow", "#health_cpu": "green"},
    NodeName("h3"): {"#health": "-5"},
    NodeName("h4"): {},
}


def health(**fields: object) -> dict[NodeName, int]:
    return node_health(Policy(**fields), LABELS)  # type: ignore[arg-type]  # tests name real fields


def test_strategies_say_what_colours_are_worth() -> None:
    assert health() == {}
    assert health(health=HealthStrategy.MIGRATE_ON_RED) == {"h1": -INFINITY, "h3": -5}
    assert health(health=HealthStrategy.ONLY_GREEN) == {"h1": -INFINITY, "h2": -INFINITY, "h3": -5}
    worth = {"health_base": 3, "health_green": 1, "health_yellow": -10, "health_red": -20}
    assert health(health=HealthStrategy.CUSTOM, **worth) == {"h1": -20, "h2": -9, "h3": -5}
    assert health(health=HealthStrategy.PROGRESSIVE, **worth) == {"h1": -17, "h2": -6, "h3": -2, "h4": 3}


def test_what_is_no_score_is_worth_nothing() -> None:
    assert node_health(Policy(health=HealthStrategy.CUSTOM), {NodeName("h1"): {"#health": "fine"}}) == {}


def test_nothing_runs_on_a_red_node_but_what_allows_it() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), dummy("c", allows_unhealthy=True))
    asked = with_policy(with_labels(asked, "#health", h1="red"), health=HealthStrategy.MIGRATE_ON_RED)
    assert places(asked) == {"a": "h2", "b": "h2", "c": "h1"}
