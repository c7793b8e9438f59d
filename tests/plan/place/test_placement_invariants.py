"""What holds wherever random groups, clones and primitives are placed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.plan.nodes import survey
from reconciler.plan.place.placement import place
from reconciler.plan.situation import Situation
from tests.plan.place.places import with_capacity, with_policy
from tests.plan.worlds import NOW, clone, dummy, empty_world, group, intent, prefers, running, seen, with_

K = TypeVar("K")
V = TypeVar("V")
EXAMPLES = settings(max_examples=60)
HOSTS = ("h1", "h2", "h3")
SCORES = st.sampled_from([-INFINITY, -5, 5, 100, INFINITY])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Intent, Observed]:
    """Up to four things, each a primitive, a group, or a clone of one of them, and what ties them together."""
    things: list[object] = []
    tops: list[str] = []
    for index in range(draw(st.integers(1, 4))):
        members = [f"r{index}{letter}" for letter in "ab"[: draw(st.integers(1, 2))]]
        state = draw(st.sampled_from([Role.STARTED] * 5 + [Role.STOPPED]))
        needs = {"cpu": draw(st.integers(0, 2))}
        things += [dummy(m, state=state, needs=needs, stickiness=draw(st.integers(0, 9))) for m in members]
        top = members[0]
        if len(members) > 1 or draw(st.booleans()):
            top = f"g{index}"
            things.append(group(top, *members))
        if draw(st.booleans()):
            is_unique = draw(st.booleans())
            most = draw(st.sampled_from([None, 1, 2, 4]))
            things.append(
                clone(
                    f"c{index}",
                    top,
                    max=most,
                    is_unique=is_unique,
                    node_max=draw(st.integers(1, 2)) if is_unique else 1,
                    is_interleaved=draw(st.booleans()),
                )
            )
            top = f"c{index}"
        for other in tops:
            if draw(st.integers(0, 2)) == 0:
                pair = (top, other) if draw(st.booleans()) else (other, top)
                things.append(with_(*pair, draw(SCORES)))
        if draw(st.booleans()):
            things.append(prefers(top, draw(st.sampled_from(HOSTS)), draw(SCORES)))
        tops.append(top)
    made = intent(" ".join(HOSTS), *things)  # type: ignore[arg-type]  # only what `intent` takes was added
    made = with_policy(
        made,
        is_symmetric=draw(st.sampled_from([True, True, False])),
        placement=draw(st.sampled_from(PlacementStrategy)),
    )
    made = with_capacity(made, h1=draw(st.integers(0, 4)), h2=3, h3=5)
    if draw(st.booleans()):
        idle = NodeName("h1")
        made = replace(made, hosts={**made.hosts, idle: replace(made.hosts[idle], state=HostState.STANDBY)})
    active = [
        running(made, r.id, draw(st.sampled_from(HOSTS)))
        for r in made.resources.values()
        if draw(st.booleans())
    ]
    return made, seen(empty_world(made), *active)


def situation_of(world: tuple[Intent, Observed]) -> Situation:
    asked, observed = world
    return survey(asked, observed, History(), NOW)


def backwards(mapping: Mapping[K, V]) -> dict[K, V]:
    return dict(list(mapping.items())[::-1])


@EXAMPLES
@given(worlds())
def test_members_of_a_group_share_a_node(world: tuple[Intent, Observed]) -> None:
    situation = situation_of(world)
    nodes = place(situation).nodes
    for found in situation.groups.values():
        assert len({nodes[m] for m in found.members} - {None}) <= 1


@EXAMPLES
@given(worlds())
def test_a_clone_has_no_more_instances_than_it_may(world: tuple[Intent, Observed]) -> None:
    situation = situation_of(world)
    nodes = place(situation).nodes
    for found in situation.clones.values():
        first = [nodes[situation.leaves(i)[0]] for i in found.instances]
        counts = Counter(node for node in first if node is not None)
        assert all(count <= found.clone.node_max for count in counts.values())
        assert counts.total() <= (3 if found.clone.max is None else found.clone.max)


@EXAMPLES
@given(worlds())
def test_nothing_is_placed_where_it_is_banned_or_nothing_may_run(world: tuple[Intent, Observed]) -> None:
    situation = situation_of(world)
    intent_ = situation.intent
    placed = place(situation).nodes
    idle = {h.name for h in intent_.hosts.values() if h.state is HostState.STANDBY}
    assert not idle & set(placed.values())
    for location in intent_.locations:
        if location.score == -INFINITY:
            assert location.node not in {placed[leaf] for leaf in situation.leaves(location.resource)}


@EXAMPLES
@given(worlds())
def test_no_node_gets_more_than_it_has_room_for(world: tuple[Intent, Observed]) -> None:
    situation = situation_of(world)
    if situation.intent.cluster.policy.placement is PlacementStrategy.DEFAULT:
        return
    used: Counter[NodeName] = Counter()
    for resource, node in place(situation).nodes.items():
        if node is not None:
            used[node] += situation.resources[resource].needs["cpu"]
    assert all(used[n] <= h.capacity["cpu"] for n, h in situation.intent.hosts.items())


@EXAMPLES
@given(worlds())
def test_the_order_of_what_is_given_changes_no_place(world: tuple[Intent, Observed]) -> None:
    asked, observed = world
    turned = replace(
        asked,
        hosts=backwards(asked.hosts),
        collectives=backwards(asked.collectives),
        locations=asked.locations[::-1],
        colocations=asked.colocations[::-1],
    )
    mirrored = replace(observed, instances=backwards(observed.instances))
    assert place(situation_of((turned, mirrored))).nodes == place(situation_of(world)).nodes
