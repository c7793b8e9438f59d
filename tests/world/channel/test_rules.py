import pytest

from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.world.channel.rules import MAX_ATTRIBUTES, MAX_VALUE, problem_of

FULL = NodeAttributes(transient={f"a{number}": "1" for number in range(MAX_ATTRIBUTES)})


@pytest.mark.parametrize("name", ["rack", "master-FAKE", "#health-disk", "pingd", "FAKE:0", "a.b"])
def test_a_node_names_its_attributes_as_it_likes(name: str) -> None:
    assert problem_of(AttributeChange(name=name, value="1"), NodeAttributes()) == ""


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a/b", "-a", "x" * 257, "standby", "maintenance", "terminate", "fail-count-FAKE#start_0"],
)
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    assert problem_of(AttributeChange(name=name, value="1"), NodeAttributes()) != ""


def test_values_and_their_number_are_limited_but_what_is_there_can_change_and_go() -> None:
    assert "characters" in problem_of(
        AttributeChange(name="a", value="x" * (MAX_VALUE + 1)), NodeAttributes()
    )
    assert "more than" in problem_of(AttributeChange(name="new", value="1"), FULL)
    assert "more than" in problem_of(AttributeChange(name="a1", value="1", is_permanent=True), FULL)
    assert problem_of(AttributeChange(name="a1", value="2"), FULL) == ""
    assert problem_of(AttributeChange(name="new", value=None), FULL) == ""
