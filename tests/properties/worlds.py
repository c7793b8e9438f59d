"""Random intents, and snapshots of worlds that once were as another intent asked."""

from dataclasses import replace

from hypothesis import strategies as st

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.model.transition import Transition
from reconciler.plan.effects import advance, pending_from
from reconciler.plan.former import carried_over
from reconciler.plan.schedule import schedule
from tests.plan.worlds import NOW, after, dummy, empty_world, guest, intent, only_on, prefers, settle, with_

Case = tuple[Intent, Observed, History]


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    """Up to three hosts, three guests and five resources, and what ties them together."""
    hosts = [f"host{i + 1}" for i in range(draw(st.integers(1, 3)))]
    guests = [(f"vm{i + 1}", f"guest{i + 1}") for i in range(draw(st.integers(0, 3)))]
    names = [f"r{i + 1}" for i in range(draw(st.integers(0, 5)))]
    things: list[object] = []
    nodes = list(hosts)
    for name, node in guests:
        has_node = draw(st.booleans())
        nodes += [node] if has_node else []
        things.append(guest(name, node if has_node else None, state=draw(_states())))
        if draw(st.booleans()):
            things.append(only_on(name, draw(st.sampled_from(hosts))))
    for index, name in enumerate(names):
        params = {"x": draw(st.sampled_from("ab"))}
        moves = draw(st.booleans())
        things.append(dummy(name, params=params, state=draw(_states()), allows_migration=moves))
        if draw(st.booleans()):
            things.append(prefers(name, draw(st.sampled_from(nodes)), draw(st.sampled_from([10, INFINITY]))))
        elif draw(st.booleans()):
            things.append(only_on(name, draw(st.sampled_from(nodes))))
        for earlier in names[:index]:
            if draw(st.integers(0, 5)) == 0:
                things.append(after(name, earlier))
            elif draw(st.integers(0, 7)) == 0:
                things.append(with_(name, earlier, draw(st.sampled_from([100, INFINITY, -INFINITY]))))
    made = intent(" ".join(hosts), *things)  # type: ignore[arg-type]  # only what `intent` takes was added
    if draw(st.integers(0, 4)) == 0:
        host = NodeName(draw(st.sampled_from(hosts)))
        made = replace(made, hosts={**made.hosts, host: replace(made.hosts[host], state=HostState.STANDBY)})
    return replace(made, cluster=replace(made.cluster, max_destroy=9))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """An intent over a world that was as another one asked."""
    asked, before = draw(intents()), draw(intents())
    both = replace(before, hosts={**asked.hosts, **before.hosts})
    asked = replace(asked, hosts={**before.hosts, **asked.hosts})
    world = settle(both, empty_world(both))
    return asked, world, carried_over(History(), before, asked)


@st.composite
def middles(draw: st.DrawFn) -> Case:
    """An intent over a world in which the plan of another one was carried out half."""
    (before, world, history), asked = draw(cases()), draw(intents())
    transition = schedule(before, world, history, NOW)
    done: set[ActionId] = set()
    for _ in range(draw(st.integers(0, len(transition.actions)))):
        ready = transition.ready(frozenset(done), frozenset(done))
        action = draw(st.sampled_from(sorted(ready, key=lambda a: a.id)))
        world = advance(world, action, dict(transition.guest_nodes))
        done.add(action.id)
    pending = [a for a in transition.ready(frozenset(done), frozenset(done)) if draw(st.booleans())]
    asked = replace(asked, hosts={**before.hosts, **asked.hosts})
    world = replace(world, pending=tuple(pending_from(a) for a in pending))
    return asked, world, carried_over(history, before, asked)


def carried_out(transition: Transition, observed: Observed, order: list[ActionId]) -> Observed:
    """The world after a transition, its actions done as their predecessors allow, first in `order` first."""
    done: set[ActionId] = set()
    while len(done) < len(transition.actions):
        ready = {a.id for a in transition.ready(frozenset(done), frozenset(done))}
        assert ready, "actions wait for each other in a circle"
        name = next(n for n in order if n in ready)
        observed = advance(observed, transition.actions[name], dict(transition.guest_nodes))
        done.add(name)
    return observed


def running_of(observed: Observed) -> dict[tuple[ResourceId, NodeName], object]:
    """What runs where, and as what."""
    return {k: i for k, i in observed.instances.items() if i.role is not Role.STOPPED}


def _states() -> st.SearchStrategy[Role]:
    return st.sampled_from([Role.STARTED, Role.STARTED, Role.STARTED, Role.STOPPED])
