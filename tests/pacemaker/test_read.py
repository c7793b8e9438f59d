"""What a CIB says becomes the planner's input, and what cannot be said is listed with its line."""

import pytest

from reconciler.model.constraint import Location, OrderKind
from reconciler.model.errors import SourceError
from reconciler.model.node import HostState, NodeState
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail
from reconciler.pacemaker.read import CibInput
from reconciler.plan.rules import resolved
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, read


@pytest.mark.parametrize(
    "data", [b"", b"<cib", b"<html/>", b"<cib/>", b"\xff\xfe", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"]
)
def test_what_is_no_cib_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"cib\.xml is no"):
        read(data)


@pytest.mark.parametrize(
    ("resources", "want"),
    [
        (dummy("a") + "\n" + dummy("a"), "cib.xml:6:1: there is a resource named 'a' already, at cib.xml:5:1; "
                                         "each needs an id of its own"),
        (f'<group id="g">{dummy("g")}</group>', "cib.xml:5:1: there is a resource named 'g' already, at cib.xml:5:1; "
                                                "each needs an id of its own"),
        (dummy("a:0"), "cib.xml:5:1: 'a:0' is no id of a resource, for it has a colon; write a dash instead"),
    ],
)  # fmt: skip
def test_resources_that_cannot_be_told_apart_are_refused(resources: str, want: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(cib(resources))
    assert str(caught.value) == want


def test_old_and_new_names_of_options_mean_the_same() -> None:
    old = read(cib(options='<nvpair id="x" name="stop-orphan-resources" value="false"/>'))
    new = read(cib(options='<nvpair id="x" name="stop-removed-resources" value="false"/>'))
    assert old.intent.cluster.policy == new.intent.cluster.policy
    assert (old.intent.cluster.policy.stops_removed, old.unsupported) == (False, ())
    assert old.intent.cluster.policy.on_quorum_loss is QuorumPolicy.STOP


def test_nodes_are_what_they_say_of_themselves() -> None:
    text = cib().decode().replace('crmd="online" join="member" expected="member"/>', 'crmd="offline"/>')
    text = text.replace('name="rack" value="r1"', 'name="standby" value="on"')
    given = read(text.encode())
    assert {n: s.state for n, s in given.observed.nodes.items()} == {
        "n1": NodeState.ONLINE,
        "n2": NodeState.OFFLINE,
    }
    assert {n: h.state for n, h in given.intent.hosts.items()} == {
        "n1": HostState.STANDBY,
        "n2": HostState.ONLINE,
    }


def test_a_primitive_takes_from_its_template_what_it_does_not_say() -> None:
    template = (
        '<template id="t" class="ocf" provider="test" type="Dummy"><instance_attributes id="i">'
        '<nvpair id="i1" name="a" value="1"/><nvpair id="i2" name="b" value="1"/></instance_attributes>'
        '<operations><op id="m" name="monitor" interval="5s" on-fail="stop"/></operations></template>'
    )
    mine = '<instance_attributes id="j"><nvpair id="j1" name="b" value="2"/></instance_attributes>'
    given = read(cib(template + f'<primitive id="r" template="t">{mine}{meta(priority="3")}</primitive>'))
    (resource,) = given.intent.resources.values()
    assert dict(resource.params) == {"a": "1", "b": "2"}
    assert (resource.priority, str(resource.agent)) == (3, "ocf:test:Dummy")
    assert [(o.name, o.interval_ms, o.on_fail) for o in resource.operations] == [
        ("monitor", 5000, OnFail.STOP),
        ("stop", 0, OnFail.BLOCK),
    ]


def locations_of(given: CibInput) -> tuple[Location, ...]:
    return resolved(given.intent, given.observed, given.now).locations


def test_a_location_rule_counts_on_the_nodes_where_it_holds() -> None:
    rule = '<rule id="u" score="7"><expression id="e" attribute="rack" operation="gt" value="9.5"/></rule>'
    given = read(cib(dummy("r"), f'<rsc_location id="l" rsc="r">{rule}</rsc_location>'))
    assert [(c.node, c.score) for c in locations_of(given)] == [("n1", 7), ("n2", 7)]
    rule = rule.replace("/>", ' type="integer"/>').replace("9.5", "9")
    given = read(cib(dummy("r"), f'<rsc_location id="l" rsc="r">{rule}</rsc_location>'))
    assert [(c.node, c.score) for c in locations_of(given)] == [("n1", 7), ("n2", 7)]


def test_an_ordered_set_is_a_chain_and_require_all_false_an_alternative() -> None:
    sets = (
        '<resource_set id="s1" sequential="false" require-all="false"><resource_ref id="a"/><resource_ref id="b"/>'
        '</resource_set><resource_set id="s2"><resource_ref id="c"/><resource_ref id="d"/></resource_set>'
    )
    given = read(
        cib(
            "".join(dummy(n) for n in "abcd"),
            f'<rsc_order id="o" kind="Optional">{sets}</rsc_order>',
        )
    )
    assert [(o.first, o.then, o.alternatives, o.kind) for o in given.intent.orderings] == [
        ("c", "d", "", OrderKind.OPTIONAL),
        ("a", "c", "s1", OrderKind.OPTIONAL),
        ("b", "c", "s1", OrderKind.OPTIONAL),
    ]


@pytest.mark.parametrize(
    ("orders", "kinds", "void"),
    [
        (["Optional", "Mandatory"], [OrderKind.OPTIONAL], ["o1"]),
        (["Mandatory", "Optional"], [OrderKind.MANDATORY], ["o1"]),
        (["Mandatory", "Mandatory"], [OrderKind.MANDATORY], []),
        (["Serialize", "Mandatory"], [OrderKind.SERIALIZE, OrderKind.MANDATORY], []),
        (['Optional" symmetrical="false', "Mandatory"], [OrderKind.OPTIONAL, OrderKind.MANDATORY], []),
        (['Optional" then-action="stop', "Mandatory"], [OrderKind.OPTIONAL, OrderKind.MANDATORY], []),
    ],
)
def test_of_orders_of_the_same_actions_the_first_counts(
    orders: list[str], kinds: list[OrderKind], void: list[str]
) -> None:
    xml = "".join(f'<rsc_order id="o{i}" first="a" then="b" kind="{kind}"/>' for i, kind in enumerate(orders))
    given = read(cib(dummy("a") + dummy("b"), xml))
    assert [o.kind for o in given.intent.orderings] == kinds
    assert [note.text.split()[1] for note in given.unsupported] == void


def test_an_order_for_which_some_instances_are_enough_makes_none_void() -> None:
    clone = '<clone id="c">' + meta(clone_min="1") + dummy("a") + "</clone>"
    xml = "".join(
        f'<rsc_order id="{kind}" first="c" then="b" kind="{kind}"/>' for kind in ("Optional", "Mandatory")
    )
    assert [o.id for o in read(cib(clone + dummy("b"), xml)).intent.orderings] == ["Optional", "Mandatory"]


def test_members_of_a_set_that_avoid_each_other_avoid_all_before_them() -> None:
    block = '<resource_set id="s">' + "".join(f'<resource_ref id="{n}"/>' for n in "abc") + "</resource_set>"
    given = read(
        cib("".join(dummy(n) for n in "abc"), f'<rsc_colocation id="c" score="-5">{block}</rsc_colocation>')
    )
    assert [(c.dependent, c.primary) for c in given.intent.colocations] == [
        ("b", "a"), ("c", "a"), ("c", "b"),
    ]  # fmt: skip


def test_what_is_not_supported_is_listed_with_its_line_and_nothing_is_concluded_from_it() -> None:
    given = read(cib(f'\n<bundle id="b">{dummy("m")}</bundle>', status=ran("m", op("start", 1))))
    assert [(n.feature, n.where.line) for n in given.unsupported] == [("bundle", 6)]
    assert (dict(given.intent.resources), dict(given.observed.instances)) == ({}, {})
