"""A plan for a part is the plan for all, byte for byte."""

import random
from dataclasses import replace

import pytest

from reconciler.load.record import to_json
from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Failure, Instance, Observed
from reconciler.model.resource import Role
from reconciler.plan.effects import advance, pending_from
from reconciler.plan.replan import Rest, plan_after, replan, rest_of
from reconciler.plan.schedule import schedule
from tests.plan.worlds import (
    MONITOR,
    NOW,
    after,
    dummy,
    empty_world,
    guest,
    intent,
    only_on,
    prefers,
    settle,
    with_,
)

FAILED = Failure(operation="monitor", interval_ms=10_000, rc=7, text="not running")


def cluster(chance: random.Random) -> Intent:
    """Guests on hosts, resources in guests, some of them tied to each other."""
    things: list[object] = []
    for number in range(1, 5):
        things += [guest(f"vm{number}", f"guest{number}"), only_on(f"vm{number}", f"host{number % 3 + 1}")]
    for number in range(1, 13):
        name, node = f"r{number}", number % 4 + 1
        things += [dummy(name, operations=(MONITOR,), failure_limit=chance.choice([0, 1, 3]), rank=number)]
        things += [prefers(name, f"guest{node}", 100), prefers(name, f"guest{node % 4 + 1}", 50)]
        if chance.random() < 0.3:
            things.append(after(name, f"r{chance.randint(1, number)}"))
        if chance.random() < 0.2:
            things.append(with_(name, f"r{chance.randint(1, number)}", chance.choice([10, 1000, -1000])))
    return intent("host1 host2 host3", *things)  # type: ignore[arg-type]  # only what `intent` takes was added


def at_rest(asked: Intent) -> Rest | None:
    world = settle(asked, empty_world(asked))
    return rest_of(asked, world, History(), schedule(asked, world, History(), NOW))


def after_event(chance: random.Random, world: Observed, history: History) -> tuple[Observed, History]:
    """Return the world and the history after something has happened to a resource."""
    keys = sorted(key for key in world.instances if key[0].startswith("r"))
    key = chance.choice(keys)
    instance = world.instances[key]
    match chance.randrange(6):
        case 0 | 1:
            failed = replace(instance, failure=FAILED)
            count = history.failures.get(key, FailureCount()).count + 1
            failure = FailureCount(count=count, last_at=NOW - 5, operation="monitor", text="not running")
            return _with(world, failed), history.with_failure(key, failure)
        case 2:
            return replace(world, instances={k: i for k, i in world.instances.items() if k != key}), history
        case 3:
            return _with(world, replace(instance, role=Role.UNKNOWN, note="nobody knows")), history
        case 4:
            return _with(world, replace(instance, monitors=frozenset())), history
        case _:
            other = chance.choice(keys)
            return _with(world, replace(instance, node=other[1], role=Role.STARTED)), history


def _with(world: Observed, instance: Instance) -> Observed:
    key = (instance.resource, instance.node)
    return replace(world, instances={**world.instances, key: instance})


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_after_events_is_the_plan_for_all(seed: int) -> None:
    chance = random.Random(seed)
    asked = cluster(chance)
    rest = at_rest(asked)
    if rest is None:
        return
    world, history = rest.observed, rest.history
    for step in range(6):
        now = NOW + step
        whole, part = schedule(asked, world, history, now), replan(rest, world, history, now)
        if part is not None:
            assert to_json(part) == to_json(whole), f"seed {seed}, step {step}"
            assert list(part.actions) == list(whole.actions), f"seed {seed}, step {step}"
            assert list(part.placement) == list(whole.placement), f"seed {seed}, step {step}"
        ready = whole.ready(frozenset(), frozenset())
        if ready and chance.random() < 0.5:
            action = chance.choice(ready)
            if chance.random() < 0.5:
                world = advance(world, action, whole.guest_nodes)
            else:
                world = replace(world, pending=(pending_from(action),))
        else:
            world, history = after_event(chance, replace(world, pending=()), history)


@pytest.mark.parametrize("seed", range(40))
def test_plans_one_after_the_other_are_those_for_all_until_the_world_is_at_rest_again(seed: int) -> None:
    chance = random.Random(seed)
    asked = cluster(chance)
    world, history = settle(asked, empty_world(asked)), History()
    plan, rest = plan_after(None, asked, world, history, NOW)
    was_at_rest = rest is not None
    for _ in range(3):
        world, history = after_event(chance, world, history)
        for _ in range(30):
            plan, rest = plan_after(rest, asked, world, history, NOW)
            assert plan == schedule(asked, world, history, NOW), f"seed {seed}"
            ready = plan.ready(frozenset(), frozenset())
            if not ready:
                break
            world = advance(world, ready[0], plan.guest_nodes)
        assert (rest is not None) == was_at_rest, f"seed {seed}"


def test_most_events_need_a_plan_for_a_part_only() -> None:
    found = []
    for seed in range(40):
        chance = random.Random(seed)
        rest = at_rest(cluster(chance))
        if rest is not None:
            world, history = after_event(chance, rest.observed, rest.history)
            found.append(replan(rest, world, history, NOW) is not None)
    assert len(found) > 20
    assert sum(found) > len(found) // 2


def test_a_lost_node_needs_a_plan_for_all() -> None:
    asked = intent("host1", dummy("r"), prefers("r", "host1", 100))
    rest = at_rest(asked)
    assert rest is not None
    gone = {name: replace(status, state=NodeState.UNKNOWN) for name, status in rest.observed.nodes.items()}
    assert replan(rest, replace(rest.observed, nodes=gone), History(), NOW) is None


def test_where_the_load_decides_all_is_planned() -> None:
    asked = intent("host1 host2", dummy("r", stickiness=0), dummy("s", stickiness=0))
    assert at_rest(asked) is None


def test_an_event_of_a_guest_needs_a_plan_for_all() -> None:
    asked = intent(
        "host1", guest("vm1", "guest1"), only_on("vm1", "host1"), dummy("r"), prefers("r", "guest1", 100)
    )
    rest = at_rest(asked)
    assert rest is not None
    vm = rest.observed.instances[
        (ResourceId("vm1"), next(n for r, n in rest.observed.instances if r == "vm1"))
    ]
    assert replan(rest, _with(rest.observed, replace(vm, failure=FAILED)), History(), NOW) is None
