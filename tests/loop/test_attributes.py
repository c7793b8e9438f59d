from dataclasses import replace

from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.former import carried_over
from tests.loop.memories import G1, H1, in_guest, memory

LOAD = AttributeChange(name="load", value="3")
SCORE = AttributeChange(name="master-FAKE", value="10")
SITE = AttributeChange(name="site", value="east", is_permanent=True)


def test_what_a_node_says_is_known_at_once_and_kept() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    for change in (LOAD, SITE, SCORE):
        known.note_attribute(G1, change)
    want = NodeAttributes(
        permanent={"site": "east"}, transient={"load": "3", "master-FAKE": "10"}, incarnation="start1"
    )
    assert known.journal.load_history().attributes == {G1: want}
    observed = known.observe({})
    assert known.view(observed).attributes == {G1: want}
    assert observed.nodes[G1].attributes == {"site": "east", "load": "3", "master-FAKE": "10"}
    assert observed.promotion_scores == {(ResourceId("FAKE"), G1): 10}


def test_a_new_incarnation_of_a_node_has_its_permanent_attributes_only() -> None:
    known = memory(views={G1: in_guest()})
    known.note_attribute(G1, LOAD)
    known.note_attribute(G1, SITE)
    known.views[G1] = replace(in_guest(), incarnation="start2")
    assert known.observe({}).nodes[G1].attributes == {"site": "east"}
    known.note_attribute(G1, AttributeChange(name="x", value="1"))
    assert known.observe({}).nodes[G1].attributes == {"site": "east", "x": "1"}


def test_a_node_that_was_never_met_has_nothing_to_say() -> None:
    known = memory()
    known.note_attribute(NodeName("stranger"), LOAD)
    assert known.history.attributes == {}


def test_attributes_go_with_the_declaration_of_their_node() -> None:
    known = memory(views={G1: in_guest(), H1: replace(in_guest(), name=H1)})
    known.note_attribute(G1, SITE)
    known.note_attribute(H1, SITE)
    assert known.intent is not None
    without = replace(known.intent, resources={})
    kept = carried_over(known.history, known.intent, without)
    assert sorted(kept.attributes) == [G1, H1]
    gone = carried_over(replace(kept, former={}), None, replace(without, hosts={}))
    assert gone.attributes == {}
