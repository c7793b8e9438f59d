"""What resource agents are told of their clone."""

from dataclasses import replace

from reconciler.act.meta import meta_of
from reconciler.model.collective import Promotion
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.transition import Action, ActionKind
from tests.plan.worlds import clone, dummy, group, guest, intent

START = Action(
    id=ActionId("a_start_0@h1"), kind=ActionKind.START, node=NodeName("h1"), resource=ResourceId("a")
)


def test_what_is_not_cloned_is_told_nothing() -> None:
    assert meta_of(intent("h1", dummy("a")), START) == {}


def test_an_instance_is_told_its_number_the_size_of_its_clone_and_what_goes_on_in_it() -> None:
    asked = intent(
        "h1 h2",
        dummy("a"),
        guest("vm", "g1"),
        clone("c", "a", promotion=Promotion(max=2), notifies=True),
    )
    action = replace(START, instance=ResourceId("a:1"), meta={"notify_type": "pre"})
    assert meta_of(asked, action) == {
        "clone": "1",
        "clone_max": "3",
        "clone_node_max": "1",
        "globally_unique": "false",
        "interleave": "false",
        "master_max": "2",
        "master_node_max": "1",
        "notify": "true",
        "notify_type": "pre",
        "ordered": "false",
        "promotable": "true",
        "promoted_max": "2",
        "promoted_node_max": "1",
    }


def test_members_of_a_cloned_group_are_cloned() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), group("g", "a", "b"), clone("c", "g", max=2))
    assert meta_of(asked, START)["clone_max"] == "2"
