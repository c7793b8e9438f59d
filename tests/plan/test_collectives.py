"""Clones are taken apart into instances, and copies too many are known and stopped."""

from dataclasses import replace

from reconciler.model.collective import Bundle, Replica
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.plan.collectives import take_apart
from tests.plan.worlds import (
    WHERE,
    after,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    group,
    intent,
    plan,
    running,
    seen,
    settle,
)


def test_copies_too_many_on_a_node_get_numbers_after_all_others_and_stop() -> None:
    asked = intent("h1 h2", dummy("a", operations=()), clone("as", "a"))
    copies = [replace(running(asked, "a", "h1"), resource=ResourceId(name)) for name in ("a:0", "a:4")]
    world = seen(empty_world(asked), *(running(asked, "a", h) for h in ("h1", "h2")), *copies)
    ensemble = take_apart(asked, world)
    assert {f"{name}@{node}": number for (name, node), number in ensemble.numbers.items()} == {
        "a@h1": "a:0",
        "a@h2": "a:1",
        "a:0@h1": "a:2",
        "a:4@h1": "a:3",
    }
    transition = plan(asked, world)
    assert changes(transition) == ["stop resource/a:2 h1", "stop resource/a:3 h1"]
    assert graph(transition) == {"a:0_stop_0@h1": [], "a:4_stop_0@h1": []}
    assert settle(asked, world).active_on(ResourceId("a")) == ("h1", "h2")


def test_copies_too_many_of_the_members_of_a_group_make_up_an_instance() -> None:
    asked = intent(
        "h1", dummy("a", operations=()), dummy("b", operations=()), group("g", "a", "b"), clone("gs", "g")
    )
    copies = [replace(running(asked, n, "h1"), resource=ResourceId(f"{n}:7")) for n in ("a", "b")]
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1"), *copies)
    transition = plan(asked, world)
    assert changes(transition) == ["stop resource/a:1 h1", "stop resource/b:1 h1"]
    assert graph(transition) == {"a:7_stop_0@h1": ["b:7_stop_0@h1"], "b:7_stop_0@h1": []}
    assert [m.name for m in transition.milestones] == [
        "g:1_stop_0",
        "g:1_stopped_0",
        "gs_stop_0",
        "gs_stopped_0",
    ]


def test_what_a_clone_lost_long_ago_is_no_copy_too_many() -> None:
    asked = intent("h1", dummy("a"), clone("as", "a"))
    gone = replace(running(asked, "a", "h1"), resource=ResourceId("a:3"), role=Role.STOPPED)
    world = seen(empty_world(asked), running(asked, "a", "h1"), gone)
    assert take_apart(asked, world).clones[ResourceId("as")].instances == ("a:0",)
    assert plan(asked, world).actions == {}


def test_a_number_that_no_instance_can_have_makes_no_instances() -> None:
    asked = intent("h1", dummy("a", operations=()), clone("as", "a", is_unique=True))
    stray = replace(running(asked, "a", "h1"), resource=ResourceId("a:99999999"))
    transition = plan(asked, seen(empty_world(asked), stray))
    assert changes(transition) == ["start resource/a:0 -> h1", "stop resource/a:99999999 h1"]


def test_what_has_the_name_of_a_group_or_a_clone_now_is_stopped() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), group("g", "a"), clone("bs", "b"), after("bs", "g"))
    former = [running(intent("h1", dummy(n)), n, "h1") for n in ("g", "bs")]
    world = seen(empty_world(asked), *former)
    transition = plan(asked, world)
    assert changes(transition) == [
        "start resource/a -> h1",
        "start resource/b:0 -> h1",
        "stop resource/bs:former h1",
        "stop resource/g:former h1",
    ]
    assert graph(transition)["g_stop_0@h1"] == []
    end = settle(asked, world)
    assert [end.active_on(ResourceId(n)) for n in ("a", "b", "g", "bs")] == [("h1",), ("h1",), (), ()]


def test_an_instance_of_a_cloned_group_keeps_its_number_when_one_of_its_members_ends() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), clone("gs", "g"))
    later = running(asked, "b", "h1")
    for active in ([running(asked, "a", "h1"), later], [later]):
        world = seen(empty_world(asked), running(asked, "a", "h2"), *active)
        numbers = take_apart(asked, world).numbers
        assert {node: number for (name, node), number in numbers.items() if name == "b"} == {
            "h1": "b:0",
            "h2": "b:1",
        }


def test_what_runs_without_a_number_is_no_instance_of_a_unique_clone_and_stops() -> None:
    asked = intent("h1", dummy("a", operations=()), clone("as", "a", is_unique=True, max=1))
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    transition = plan(asked, world)
    assert changes(transition) == ["start resource/a:0 -> h1", "stop resource/a:former h1"]
    assert set(graph(transition)) == {"a_stop_0@h1", "a:0_probe_0@h1", "a:0_start_0@h1"}


def test_what_is_in_a_bundle_has_the_number_of_its_node_wherever_it_runs() -> None:
    nodes = tuple(NodeName(f"web-{number}") for number in range(3))
    inside = dummy("a", only_on=nodes)
    asked = intent("h1", inside, clone("as", "a", max=3))
    ensemble = take_apart(asked, seen(empty_world(asked), running(asked, "a", "web-2")))
    assert dict(ensemble.numbers) == {
        ("a", "web-0"): "a:0",
        ("a", "web-1"): "a:1",
        ("a", "web-2"): "a:2",
    }
    assert {r.id: r.only_on for r in ensemble.resources.values()} == {
        "a:0": ("web-0",),
        "a:1": ("web-1",),
        "a:2": ("web-2",),
    }


def test_the_containers_of_a_bundle_are_its_instances_by_their_own_names() -> None:
    asked = intent("h1 h2", dummy("c0"), dummy("c1"))
    replicas = tuple(Replica(container=ResourceId(name)) for name in ("c0", "c1"))
    bundle = Bundle(id=ResourceId("web"), replicas=replicas, where=WHERE)
    asked = replace(asked, collectives={bundle.id: bundle})
    found = take_apart(asked, empty_world(asked)).clones[bundle.id]
    assert (found.instances, found.clone.max, found.clone.node_max) == (("c0", "c1"), 2, 1)
    assert changes(plan(asked, empty_world(asked))) == ["start resource/c0 -> h1", "start resource/c1 -> h2"]
