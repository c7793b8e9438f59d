"""Instances of a clone are called as the histories of the nodes know them."""

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.transition import Action, ActionKind
from tests.pacemaker.cibs import cib, dummy, op, ran, read

HERE = (ResourceId("r"), NodeName("n1"))


def stop(instance: str | None) -> Action:
    return Action(
        id=ActionId("any"),
        kind=ActionKind.STOP,
        node=NodeName("n1"),
        resource=ResourceId("r"),
        instance=None if instance is None else ResourceId(instance),
    )


def called(status: str, instance: str | None) -> str:
    given = read(cib(f'<clone id="c">{dummy("r")}</clone>', status=status))
    return given.names.of(stop(instance), {HERE: ResourceId("r:0")})


def test_the_name_without_a_number_is_used_once_a_history_has_it() -> None:
    assert called(ran("r", op("start", 1)), "r:1") == "r"
    assert called("", "r:1") == "r:1"
    assert called("", None) == "r"


def test_what_is_active_under_an_old_number_is_called_by_that() -> None:
    status = ran("r:7", op("start", 1))
    assert called(status, "r:0") == "r:7"
    assert called(status, "r:1") == "r:1"
    assert called(ran("r:7", op("stop", 1)), "r:0") == "r:0"


def test_of_two_copies_on_a_node_the_second_is_observed_and_called_by_its_own_name() -> None:
    status = ran("r:7", op("start", 1)) + ran("r:3", op("start", 2))
    given = read(cib(f'<clone id="c">{dummy("r")}</clone>', status=status))
    assert sorted(name for name, _ in given.observed.instances) == ["r", "r:3"]
    assert called(status, "r:0") == "r:7"
    assert (
        given.names.spoken(ResourceId("r:2"), {(ResourceId("r:3"), NodeName("n1")): ResourceId("r:2")})
        == "r:3"
    )
