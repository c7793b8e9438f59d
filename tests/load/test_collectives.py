import pytest

from reconciler.model.collective import Clone, Group, Promotion
from reconciler.model.constraint import Colocation, Discovery, Location, Ordering
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import MultipleActive, Role
from reconciler.model.score import INFINITY
from tests.load.test_constraints import intent_of
from tests.load.texts import HOST, guest, problems_of, resource

A, B, WEB = ResourceId("a"), ResourceId("b"), ResourceId("web")


def group(name: str, members: str, *lines: str) -> str:
    """Return a group of 6 lines and what is added to its spec."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Group
metadata: {{name: {name}}}
spec:
  members: {members}
{"".join(f"  {line}{chr(10)}" for line in lines)}"""


AB = HOST + resource("a") + resource("b")
"""A host and two resources; what is added begins on line 17."""


def at(line: int, column: int) -> Where:
    return Where(file="a.yaml", line=line, column=column)


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ((), Group(id=WEB, members=(A, B), where=at(20, 18))),
        (
            ("ordered: false", "colocated: true"),
            Group(id=WEB, members=(A, B), where=at(20, 18), is_ordered=False),
        ),
        (("colocated: false",), Group(id=WEB, members=(A, B), where=at(20, 18), is_colocated=False)),
    ],
)
def test_a_group_lists_its_members_in_the_order_in_which_they_start(
    lines: tuple[str, ...], want: Group
) -> None:
    assert intent_of(AB + group("web", "[a, B]", *lines)).collectives == {WEB: want}


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("clone: {}", Clone(id=ResourceId("c-clone"), member=ResourceId("c"), where=at(23, 3))),
        ("clone: {name: all}", Clone(id=ResourceId("all"), member=ResourceId("c"), where=at(23, 17))),
        (
            "clone: {max: 4, nodeMax: 2, min: 1, interleave: true, ordered: true, unique: true, notify: true}",
            Clone(
                id=ResourceId("c-clone"),
                member=ResourceId("c"),
                where=at(23, 3),
                max=4,
                node_max=2,
                min=1,
                is_interleaved=True,
                is_ordered=True,
                is_unique=True,
                notifies=True,
            ),
        ),
        (
            "clone: {promotable: {max: 2}}",
            Clone(
                id=ResourceId("c-clone"),
                member=ResourceId("c"),
                where=at(23, 3),
                promotion=Promotion(max=2),
            ),
        ),
    ],
)
def test_a_resource_is_cloned(line: str, want: Clone) -> None:
    assert intent_of(AB + resource("c", line)).collectives == {want.id: want}


def test_a_group_is_cloned_as_a_whole() -> None:
    got = intent_of(AB + group("web", "[a, b]", "clone: {interleave: true}")).collectives
    web = Group(id=WEB, members=(A, B), where=at(20, 18))
    clone = Clone(id=ResourceId("web-clone"), member=WEB, where=at(23, 3), is_interleaved=True)
    assert list(got.items()) == [(WEB, web), (clone.id, clone)]


def test_collectives_stand_in_rank_order() -> None:
    text = AB + resource("c", "clone: {}") + group("web", "[a]", "rank: 1") + group("last", "[b]", "rank: 9")
    assert list(intent_of(text).collectives) == ["web", "c-clone", "last"]


def test_a_groups_settings_hold_for_members_that_do_not_say_otherwise() -> None:
    settings = (
        "state: stopped", "stickiness: 7", "priority: 5", "failureLimit: 1", "failureTimeout: 1m",
        "startFailureIsFatal: true", "multipleActive: stop", "maintenance: true",
    )  # fmt: skip
    text = HOST + resource("a") + resource("b", "state: running", "stickiness: 2", "maintenance: false")
    got = intent_of(text + group("web", "[a, b]", *settings)).resources

    def settings_of(name: ResourceId) -> tuple[object, ...]:
        r = got[name]
        return (r.state, r.stickiness, r.priority, r.failure_limit, r.is_managed, r.is_monitored)

    assert settings_of(A) == (Role.STOPPED, 7, 5, 1, False, False)
    assert settings_of(B) == (Role.STARTED, 2, 5, 1, True, True)
    assert {(r.failure_timeout_ms, r.start_failure_is_fatal, r.multiple_active) for r in got.values()} == {
        (60_000, True, MultipleActive.STOP_ONLY)
    }


def test_what_is_said_of_a_group_concerns_the_group() -> None:
    text = AB + resource("c") + group("web", "[a, b]", "placement: {on: [host1], with: [c]}", "after: [c]")
    got = intent_of(text)
    c = ResourceId("c")
    assert got.locations == (
        Location(
            id="location-web-on-host1",
            resource=WEB,
            node=NodeName("host1"),
            score=0,
            where=at(29, 20),
            discovery=Discovery.EXCLUSIVE,
        ),
    )
    assert got.colocations == (
        Colocation(id="colocation-web-with-c", dependent=WEB, primary=c, score=INFINITY, where=at(29, 35)),
    )
    assert got.orderings == (Ordering(id="order-c-then-web", first=c, then=WEB, where=at(30, 11)),)


@pytest.mark.parametrize("name", ["c", "c-clone"])
def test_the_name_of_what_is_cloned_means_all_instances(name: str) -> None:
    text = AB + resource("c", "clone: {}", "after: [b]") + resource("d", f"after: [{name}]")
    assert [(o.first, o.then) for o in intent_of(text).orderings] == [("b", "c-clone"), ("c-clone", "d")]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            AB + group("web", "[a, x]"),
            ['22:16: error[unknown-resource]: there is no resource "x"; known are a, b, web'],
            id="unknown member",
        ),
        pytest.param(
            AB + group("web", "[a, host1]"),
            ["22:16: error[not-a-resource]: host1 is a host, not a resource"],
            id="a node as member",
        ),
        pytest.param(
            AB + group("web", "[]"),
            ["22:12: error[bad-value]: spec.members: this is empty; write something, or remove it"],
            id="empty group",
        ),
        pytest.param(
            AB + group("web", "[a]") + group("shop", "[web, b]"),
            [
                "28:13: error[group-in-group]: web is a group, and groups consist of resources; "
                "list its members here, or order one after the other"
            ],
            id="group of groups",
        ),
        pytest.param(
            AB + group("web", "[a, b]") + group("shop", "[a]"),
            ["28:13: error[two-groups]: a is a member of web already; a resource belongs to one group, once"],
            id="two groups",
        ),
        pytest.param(
            AB + group("web", "[a, A]"),
            ["22:16: error[two-groups]: a is listed twice; a resource belongs to one group, once"],
            id="twice in a group",
        ),
        pytest.param(
            AB + resource("c", "clone: {}") + group("web", "[a, c]"),
            [
                "29:16: error[clone-in-group]: c has clone:, and a member of a group cannot; "
                "move clone: to the group"
            ],
            id="clone in a group",
        ),
        pytest.param(
            HOST + guest("vm", node="g") + resource("a") + group("web", "[vm, a]", "clone: {}"),
            [
                "24:3: error[guest-in-clone]: vm is a guest, of which there is one, and web is cloned; "
                "declare each guest by itself, or remove clone:"
            ],
            id="guest in a cloned group",
        ),
        pytest.param(
            HOST + resource("a", "remoteNode: {name: n}", "clone: {}"),
            [
                "12:3: error[guest-in-clone]: a is a node, of which there is one, and a is cloned; "
                "declare each guest by itself, or remove clone:"
            ],
            id="cloned node",
        ),
        pytest.param(
            HOST + guest("vm", "clone: {}", node="g"),
            [
                "12:3: error[guest-in-clone]: a guest is not cloned; "
                "declare each guest by itself, with a name and an address of its own"
            ],
            id="cloned guest",
        ),
        pytest.param(
            AB + resource("c", "clone: {name: a}"),
            [
                '23:17: error[duplicate-name]: the name "a" is given twice; '
                "there is a resource of this name at a.yaml:8:18"
            ],
            id="a clone's name is taken",
        ),
        pytest.param(
            AB + resource("c", "clone: {nodeMax: 2}"),
            [
                "23:11: error[does-not-fit]: several instances on one node must be told apart; "
                "add unique: true, or remove nodeMax"
            ],
            id="several on a node",
        ),
        pytest.param(
            AB + resource("c", "clone: {max: 2, min: 3}"),
            [
                "23:19: error[does-not-fit]: min 3 is more than max 2: what comes after could never start; "
                "lower min, or raise max"
            ],
            id="min above max",
        ),
        pytest.param(
            AB + group("web", "[a, b]", "clone: {}") + resource("c", "after: [a]"),
            [
                "30:11: error[in-clone]: a runs at several places, as a member of the cloned group web; "
                "write web, which means all of them"
            ],
            id="a member of a cloned group",
        ),
        pytest.param(
            AB + group("web", "[a, b]", "after: [a]"),
            [
                "23:11: error[own-group]: web and a belong together already; "
                "members start in the order in which the group lists them, and run on one node; remove it"
            ],
            id="after its own member",
        ),
        pytest.param(
            HOST + resource("a", "placement: {with: [web]}") + group("web", "[a]"),
            [
                "11:22: error[own-group]: a and web belong together already; "
                "members start in the order in which the group lists them, and run on one node; remove it"
            ],
            id="with its own group",
        ),
        pytest.param(
            AB + group("host1", "[a, b]"),
            [
                '20:18: error[duplicate-name]: the name "host1" is given twice; '
                "there is a host of this name at a.yaml:3:18"
            ],
            id="one name space",
        ),
        pytest.param(
            AB + group("web", "[a, b]") + resource("c", "placement: {on: [web]}"),
            ["29:20: error[not-a-node]: web is a group, not a node; it has no remoteNode"],
            id="a group is no node",
        ),
        pytest.param(
            HOST
            + resource("a", "after: [c]")
            + resource("b")
            + group("web", "[a, b]")
            + resource("c", "after: [web]"),
            [
                "30:11: error[order-cycle]: a → b → c → a is a cycle: none of them could ever start; "
                "remove one of these orderings"
            ],
            id="cycle through a group",
        ),
        pytest.param(
            HOST + resource("a", "after: [b]") + resource("b") + group("web", "[a, b]"),
            [
                "11:11: error[order-cycle]: a → b → a is a cycle: none of them could ever start; "
                "remove one of these orderings"
            ],
            id="cycle in a group",
        ),
    ],
)
def test_what_cannot_be_a_group_or_clone_is_refused(text: str, want: list[str]) -> None:
    assert problems_of(text) == want
