from reconciler.model.attribute import AttributeChange, NodeAttributes

BOTH = NodeAttributes(permanent={"site": "east", "load": "1"}, transient={"load": "3"}, incarnation="a")


def test_rules_see_a_transient_value_before_a_permanent_one() -> None:
    assert BOTH.merged() == {"site": "east", "load": "3"}


def test_transient_attributes_end_with_the_nodes_incarnation() -> None:
    assert BOTH.in_incarnation("a") == BOTH
    assert BOTH.in_incarnation("b") == NodeAttributes(permanent=BOTH.permanent, incarnation="b")


def test_a_change_sets_or_removes_one_value_of_one_lifetime() -> None:
    changed = BOTH.changed(AttributeChange(name="load", value=None))
    assert (changed.permanent, changed.transient) == ({"site": "east", "load": "1"}, {})
    changed = BOTH.changed(AttributeChange(name="rack", value="r1", is_permanent=True))
    assert (changed.permanent, changed.transient) == ({**BOTH.permanent, "rack": "r1"}, {"load": "3"})
    assert BOTH.changed(AttributeChange(name="none", value=None)) == BOTH
