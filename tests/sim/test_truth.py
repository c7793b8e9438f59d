"""The truth sees what must never be, at the moment it comes to be."""

import pytest

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import ResourceAgent
from reconciler.sim.eventloop import run
from reconciler.sim.truth import Copy, Truth, variant_of

DUMMY = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")


def copy(node: str, state: str = "a", life: str = "boot1") -> Copy:
    return Copy(
        resource=ResourceId("r1"),
        node=NodeName(node),
        life=life,
        variant=variant_of(DUMMY, {"state": state}),
    )


def started(truth: Truth, *copies: Copy) -> Truth:
    async def start() -> None:
        for each in copies:
            truth.begin_start(each)
            truth.end_start(each, is_ok=True, is_running=True)

    run(start())
    return truth


def test_one_copy_is_fine_and_started_again_it_is_the_same() -> None:
    assert started(Truth(), copy("n1"), copy("n1")).violations == []


@pytest.mark.parametrize("second", [copy("n2"), copy("n1", state="b"), copy("n1", life="boot2")])
def test_a_second_copy_is_seen(second: Copy) -> None:
    truth = started(Truth(), copy("n1"), second)
    assert [v[:2] for v in truth.violations] == ["I1"]


def test_a_start_elsewhere_waits_until_the_end_is_learnt() -> None:
    truth = started(Truth(), copy("n1"))

    async def scenario() -> list[int]:
        found = []
        truth.end_life(NodeName("n1"), "boot1")
        truth.decide_start(ResourceId("r1"), NodeName("n2"))
        found.append(len(truth.violations))
        truth.learn_end_of_life(NodeName("n1"), "boot1")
        truth.decide_start(ResourceId("r1"), NodeName("n2"))
        found.append(len(truth.violations))
        return found

    assert run(scenario()) == [1, 1]


def test_what_is_learnt_and_not_so_is_not_believed() -> None:
    truth = started(Truth(), copy("n1"))
    truth.learn_end(copy("n1"))
    assert truth.is_alive(copy("n1"))


def test_a_probe_with_other_parameters_sees_another_copy() -> None:
    assert variant_of(DUMMY, {"state": "a"}) != variant_of(DUMMY, {"state": "b"})
    unit = ResourceAgent(standard="systemd", type="web.service")
    assert variant_of(unit, {"state": "a"}) == variant_of(unit, {"state": "b"})


def test_what_was_handed_over_is_what_its_new_nodes_parameters_name() -> None:
    truth = started(Truth(), copy("n1"))

    async def move() -> None:
        truth.hand_over(copy("n1"), copy("n2"))
        truth.take_over(copy("n2", state="b"))

    run(move())
    alive = [c for c, facts in truth.copies.items() if facts.is_alive]
    assert (alive, truth.arrived, truth.violations) == ([copy("n2", state="b")], set(), [])
