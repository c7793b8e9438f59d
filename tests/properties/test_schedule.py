"""What holds for every plan, of any intent over any world."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load.record import dump_plan_input, to_json
from reconciler.model.transition import ActionKind
from reconciler.plan.check import check
from reconciler.plan.effects import advance
from reconciler.plan.outlook import settled
from reconciler.plan.schedule import schedule
from tests.plan.worlds import NOW
from tests.properties.worlds import Case, carried_out, cases, middles, running_of

EXAMPLES = settings(max_examples=60)

_PRINT_PLAN = """
import sys
from reconciler.load.record import load_plan_input, to_json
from reconciler.plan.schedule import schedule
for line in sys.stdin:
    print(to_json(schedule(*load_plan_input(line))))
"""


@EXAMPLES
@given(cases())
def test_after_success_the_plan_is_empty(case: Case) -> None:
    asked, world, history = case
    after = settled(asked, world, history, NOW)
    transition = schedule(asked, after, history, NOW)
    assert (dict(transition.actions), transition.changes) == ({}, ())


@EXAMPLES
@given(cases())
def test_one_plan_carried_out_brings_the_world_to_what_it_promises(case: Case) -> None:
    asked, world, history = case
    transition = schedule(asked, world, history, NOW)
    after = carried_out(transition, world, list(transition.actions))
    places = {resource: node for resource, node in transition.placement.items() if node is not None}
    assert sorted(running_of(after)) == sorted(places.items())


@EXAMPLES
@given(cases(), st.randoms(use_true_random=False))
def test_any_allowed_order_ends_the_same(case: Case, random: object) -> None:
    asked, world, history = case
    transition = schedule(asked, world, history, NOW)
    order = list(transition.actions)
    shuffled = list(order)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random, by hypothesis
    first, second = carried_out(transition, world, order), carried_out(transition, world, shuffled)
    assert first == second


@EXAMPLES
@given(cases())
def test_the_same_input_gives_the_same_bytes(case: Case) -> None:
    asked, world, history = case
    assert to_json(schedule(asked, world, history, NOW)) == to_json(schedule(asked, world, history, NOW))


@EXAMPLES
@given(cases())
def test_an_honest_plan_is_never_cut(case: Case) -> None:
    asked, world, history = case
    transition = schedule(asked, world, history, NOW)
    checked = check(transition, asked, world)
    assert checked.alarms == ()
    assert checked.transition == transition


@EXAMPLES
@given(middles())
def test_nor_is_one_that_is_made_in_the_middle_of_another(case: Case) -> None:
    asked, world, history = case
    assert check(schedule(asked, world, history, NOW), asked, world).alarms == ()


@EXAMPLES
@given(cases())
def test_one_action_leaves_the_rest_of_the_world_as_it_is(case: Case) -> None:
    asked, world, history = case
    transition = schedule(asked, world, history, NOW)
    for action in transition.ready(frozenset(), frozenset()):
        after = advance(world, action, dict(transition.guest_nodes))
        own_node = transition.guest_nodes.get(action.resource) if action.resource else None
        own = {(action.resource, action.node), (action.resource, action.peer)}
        rest = [
            {k: i for k, i in w.instances.items() if k not in own and k[1] != own_node}
            for w in (world, after)
        ]
        nodes = [
            {
                n: s
                for n, s in w.nodes.items()
                if n != own_node and not (action.resource is None and n == action.node)
            }
            for w in (world, after)
        ]
        assert to_json(rest[0]) == to_json(rest[1])
        assert to_json(nodes[0]) == to_json(nodes[1])


@EXAMPLES
@given(cases())
def test_a_resource_has_at_most_one_start_and_it_waits_for_all_its_stops(case: Case) -> None:
    asked, world, history = case
    transition = schedule(asked, world, history, NOW)
    starts = [a for a in transition.actions.values() if a.kind is ActionKind.START]
    assert len({a.resource for a in starts}) == len(starts)
    for start in starts:
        stops = {
            a.id
            for a in transition.actions.values()
            if a.kind is ActionKind.STOP and a.resource == start.resource
        }
        assert stops <= set(start.after)


@pytest.mark.slow
def test_the_order_of_hashing_changes_no_plan() -> None:
    inputs: list[str] = []

    @settings(max_examples=25, database=None, derandomize=True)
    @given(cases())
    def collect(case: Case) -> None:
        inputs.append(dump_plan_input(*case, NOW).replace("\n", " "))

    collect()
    plans = [_plans_under(seed, "\n".join(inputs)) for seed in ("1", "2")]
    assert plans[0]
    assert plans[0] == plans[1]


def _plans_under(hash_seed: str, inputs: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_PLAN],
        input=inputs,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
