"""What a CIB asks for, written as YAML and loaded again, is the same intent, and plans to the same."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.load.load import load
from reconciler.load.write import yaml_text
from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, AgentFlavor, NodeKind, RemoteNode
from reconciler.model.observed import Observed
from reconciler.model.resource import OnFail, Operation, Resource
from reconciler.pacemaker.read import CibInput
from reconciler.pacemaker.to_yaml import Converted, convert_cib
from reconciler.pacemaker.to_yaml_connections import without_connections
from reconciler.pacemaker.words import transition_lines
from reconciler.plan.rules import resolved
from reconciler.plan.schedule import schedule
from tests.pacemaker.cibs import DUMMY, NOW, cib, dummy, meta, op, ran, read, with_one_rank

ANY = Where(file="", line=1)


def converted(data: bytes, *, makes_guests: bool = False) -> Converted:
    return convert_cib(data, "cib.xml", NOW, makes_guests=makes_guests)


def loaded(found: Converted) -> Intent:
    text = yaml_text(found.documents)
    got = load({"cluster.yaml": text.encode()})
    assert [str(p) for p in got.problems if p.severity == "error"] == [], text
    assert got.intent is not None
    return got.intent


def same_resource(resource: Resource) -> Resource:
    """Without positions, and without operations that only say the default."""
    defaults = {("start", 0), ("stop", 0)}
    operations = [
        o for o in resource.operations if o != Operation(name=o.name) or (o.name, 0) not in defaults
    ]
    ordered = tuple(sorted(operations, key=lambda o: (o.name, o.interval_ms)))
    return replace(
        resource, where=ANY, fields={}, operations=ordered, remote_node=same_node(resource.remote_node)
    )


def same_node(node: RemoteNode | None) -> RemoteNode | None:
    """Without its position, and without the agent and the key, which a CIB does not name."""
    if node is None:
        return None
    agent = replace(node.agent, flavor=AgentFlavor.STOCK, key_file=None)
    labels = {k: v for k, v in node.labels.items() if not k.startswith(("#", "resource-discovery"))}
    return replace(node, where=ANY, agent=agent, labels=labels)


def chosen(labels: Mapping[str, str]) -> dict[str, str]:
    """Without what Pacemaker keeps among them."""
    return {name: text for name, text in labels.items() if name not in {"standby", "maintenance"}}


def normal(intent: Intent) -> Intent:
    """Without positions, ids of constraints, and what a CIB does not say: how nodes are reached."""

    def plain(item: Location | Colocation | Ordering) -> str:
        return str(replace(item, id="", where=ANY))

    hosts = {
        name: replace(
            host,
            where=ANY,
            fields={},
            agent=AgentAddress(),
            labels={k: v for k, v in chosen(host.labels).items() if not k.startswith("#")},
        )
        for name, host in intent.hosts.items()
    }
    policy = replace(intent.cluster.policy, connects_hosts=False)
    return replace(
        intent,
        cluster=replace(intent.cluster, where=None, policy=policy),
        hosts=hosts,
        resources={name: same_resource(r) for name, r in with_one_rank(intent).items()},
        collectives={name: replace(c, where=ANY) for name, c in intent.collectives.items()},
        locations=tuple(sorted(resolved(intent, Observed(), NOW).locations, key=plain)),
        location_rules=(),
        overrides=tuple(replace(item, where=ANY) for item in intent.overrides),
        node_overrides=tuple(replace(o, where=ANY, labels=chosen(o.labels)) for o in intent.node_overrides),
        policy_overrides=tuple(replace(item, where=ANY) for item in intent.policy_overrides),
        colocations=tuple(sorted(intent.colocations, key=plain)),
        orderings=tuple(sorted(intent.orderings, key=plain)),
        tickets=tuple(sorted((replace(t, id="", where=ANY) for t in intent.tickets), key=str)),
        fencing_levels=tuple(replace(level, id="", where=ANY) for level in intent.fencing_levels),
    )


def without_ids(intent: Intent) -> Intent:
    return replace(
        intent,
        locations=tuple(replace(item, id="", where=ANY) for item in intent.locations),
        colocations=tuple(replace(item, id="", where=ANY) for item in intent.colocations),
        orderings=tuple(replace(item, id="", where=ANY) for item in intent.orderings),
    )


def plan_of(intent: Intent, given: CibInput) -> tuple[object, ...]:
    policy = replace(intent.cluster.policy, connects_hosts=False)
    intent = replace(intent, cluster=replace(intent.cluster, policy=policy))
    planned = schedule(intent, given.observed, given.history, given.now)
    return planned.placement, transition_lines(planned), sorted(planned.actions)


def assert_same(data: bytes) -> None:
    given = read(data)
    found = converted(data)
    got = loaded(found)
    text = yaml_text(found.documents)
    wanted = without_connections(given.intent)
    assert without_ids(normal(got)) == without_ids(normal(wanted)), text
    assert plan_of(got, given) == plan_of(wanted, given), text


LOCATION = '<rsc_location id="l{n}" rsc="{a}" node="{node}" score="{score}"/>'
COLOCATION = '<rsc_colocation id="c{n}" rsc="{a}" with-rsc="{b}" score="{score}"/>'
ORDER = '<rsc_order id="o{n}" first="{b}" then="{a}" kind="{kind}"/>'


@pytest.mark.parametrize(
    ("resources", "constraints"),
    [
        (dummy("a"), ""),
        (dummy("a", meta(target_role="Stopped", is_managed="false", priority="5", critical="false")), ""),
        (dummy("a", meta(maintenance="true", multiple_active="block", migration_threshold="3")), ""),
        (dummy("a", meta(resource_stickiness="INFINITY", failure_timeout="90s", requires="nothing")), ""),
        (dummy("a", '<utilization id="u"><nvpair id="u1" name="cpu" value="2"/></utilization>'), ""),
        (
            dummy(
                "a",
                '<operations><op id="s" name="start" timeout="90s"/><op id="m" name="monitor" interval="10s"'
                ' on-fail="standby"/><op id="n" name="monitor" interval="11s" role="Stopped" enabled="false"/>'
                '<op id="p" name="monitor" interval="0" timeout="7s"/></operations>',
            ),
            "",
        ),
        (f'<group id="g">{dummy("a")}{dummy("b")}</group>{dummy("c")}', ""),
        (
            dummy("pod")
            + dummy(
                "a",
                meta(container="pod") + '<operations><op id="m" name="monitor" interval="10s" on-fail="restart">'
                '<instance_attributes id="mi"><nvpair id="mp" name="OCF_CHECK_LEVEL" value="10"/>'
                '</instance_attributes></op></operations>',
            ),
            "",
        ),
        (
            dummy("z") + f'<group id="g">{meta(target_role="Stopped")}{dummy("b")}{dummy("a")}</group>',
            COLOCATION.format(n=1, a="z", b="g", score="INFINITY") + ORDER.format(n=1, a="z", b="g", kind="Mandatory"),
        ),
        (f'<clone id="all">{meta(interleave="true", clone_max="2")}{dummy("a")}</clone>{dummy("c")}', ""),
        (
            f'<clone id="all">{meta(ordered="true")}<group id="g">{dummy("a")}{dummy("b")}</group></clone>{dummy("c")}',
            ORDER.format(n=1, a="c", b="all", kind="Optional") + LOCATION.format(n=2, a="all", node="n1", score="7"),
        ),
        (f'<clone id="all">{meta(globally_unique="true", clone_node_max="2", clone_max="3")}{dummy("a")}</clone>', ""),
        (
            f'<clone id="all">{dummy("a")}</clone>{dummy("c")}',
            '<rsc_order id="o" first="all" then="c" require-all="false"/>',
        ),
        (
            dummy("vm", meta(remote_node="guest1", remote_addr="192.0.2.7", remote_port="4000")) + dummy("a"),
            LOCATION.format(n=1, a="a", node="guest1", score="INFINITY")
            + LOCATION.format(n=2, a="vm", node="n1", score="5"),
        ),
        (f'<clone id="all">{meta(promotable="true", promoted_max="1")}{dummy("a")}</clone>', ""),
        (
            dummy("a"),
            LOCATION.format(n=1, a="a", node="n2", score="5")
            + LOCATION.format(n=2, a="a", node="n2", score="-INFINITY")
            + '<rsc_location id="l3" rsc="a" node="n1" score="0" resource-discovery="exclusive"/>'
            + '<rsc_location id="l4" rsc="a"><rule id="r4" score="3"><expression id="e4" attribute="rack"'
            ' operation="eq" value="r1"/></rule></rsc_location>',
        ),
        (
            dummy("a") + dummy("b") + dummy("c"),
            '<rsc_order id="o"><resource_set id="any" sequential="false" require-all="false"><resource_ref id="a"/>'
            '<resource_ref id="b"/></resource_set><resource_set id="then"><resource_ref id="c"/></resource_set>'
            "</rsc_order>",
        ),
        (
            dummy("a") + dummy("b"),
            '<rsc_colocation id="c" rsc="a" with-rsc="b" score="-5" node-attribute="rack" influence="false"/>'
            '<rsc_order id="o" first="a" then="b" first-action="stop" then-action="start" symmetrical="false"/>',
        ),
    ],
)  # fmt: skip
def test_the_same_is_asked_and_planned(resources: str, constraints: str) -> None:
    assert_same(cib(resources, constraints))


def test_options_and_fencing_are_kept() -> None:
    options = "".join(
        f'<nvpair id="x{n}" name="{name}" value="{value}"/>'
        for n, (name, value) in enumerate(
            {
                "symmetric-cluster": "false", "no-quorum-policy": "freeze", "placement-strategy": "minimal",
                "node-health-strategy": "custom", "node-health-red": "-7", "stonith-timeout": "90s",
                "stonith-action": "off", "cluster-name": "shop",
            }.items()
        )
    )  # fmt: skip
    assert_same(cib(dummy("a"), LOCATION.format(n=1, a="a", node="n1", score="1"), options=options))


def test_levels_of_patterns_and_labels_are_kept() -> None:
    device = '<primitive id="{}" class="stonith" type="fence_apc"/>'
    levels = (
        '<fencing-level id="a" target-pattern="n." index="1" devices="x,y"/>'
        '<fencing-level id="b" target-pattern="n." index="2" devices="y"/>'
        '<fencing-level id="c" target-attribute="rack" target-value="r1" index="1" devices="y"/>'
    )
    end = b"</configuration>"
    data = cib(device.format("x") + device.format("y"))
    assert_same(data.replace(end, f"<fencing-topology>{levels}</fencing-topology>".encode() + end))


def random_cib(seed: int) -> bytes:
    """A few resources, groups and clones, some running, and constraints that form no cycle."""
    chance = random.Random(seed)
    names = [f"r{n}" for n in range(chance.randint(1, 6))]
    tops: list[str] = []
    parts: list[str] = []
    rest = list(names)
    while rest:
        size = chance.choice((1, 1, 1, 2, 3))
        members, rest = rest[:size], rest[size:]
        is_cloned = chance.random() < 0.3
        # In YAML a clone has the priority of what is cloned.
        own = [str(chance.randint(0, 1)) for _ in members]
        inside = "".join(
            dummy(m, "" if is_cloned else meta(priority=p)) for m, p in zip(members, own, strict=True)
        )
        top = members[0]
        if len(members) > 1:
            top, inside = f"g-{members[0]}", f'<group id="g-{members[0]}">{inside}</group>'
        if is_cloned:
            options = meta(interleave=chance.choice(("true", "false")), priority=own[0])
            top, inside = f"c-{members[0]}", f'<clone id="c-{members[0]}">{options}{inside}</clone>'
        tops.append(top)
        parts.append(inside)
    constraints = {}
    for n in range(chance.randint(0, 5)):
        a = chance.choice(tops)
        b = chance.choice([*tops[: tops.index(a)], ""])
        kind = chance.choice((LOCATION, COLOCATION, ORDER) if b else (LOCATION,))
        points = chance.choice((5, -5, "INFINITY"))
        order = chance.choice(("Mandatory", "Optional", "Serialize"))
        node = chance.choice(("n1", "n2"))
        # Two constraints of one kind between the same two have no equivalent.
        key = (kind, a, node if kind is LOCATION else b)
        constraints[key] = kind.format(n=n, a=a, b=b, node=node, score=points, kind=order)
    status = "".join(ran(name, op("start", 1)) for name in names if chance.random() < 0.4)
    return cib("".join(parts), "".join(constraints.values()), status)


@pytest.mark.parametrize("seed", range(60))
def test_the_same_is_asked_and_planned_whatever_the_cib(seed: int) -> None:
    assert_same(random_cib(seed))


RULES = (
    '<rsc_location id="l5" rsc="a" resource-discovery="never"><rule id="r5" score-attribute="weight"'
    ' boolean-op="or"><expression id="e5" attribute="#uname" operation="eq" value="n1"/>'
    '<expression id="e6" attribute="#kind" operation="ne" value="cluster"/>'
    '<expression id="e7" attribute="rack" operation="gte" value="1.5" type="version"/>'
    '<rule id="r6"><expression id="e8" attribute="x" operation="not_defined"/>'
    '<date_expression id="d1" operation="in_range" start="2026-01-01" end="2026-12-31 12:00:00Z"/>'
    '<date_expression id="d2" operation="date_spec"><date_spec id="s" hours="9-16" months="-6"'
    ' monthdays="7" years="2020-"/></date_expression></rule></rule></rsc_location>'
)


def test_rules_of_location_come_back_as_rules() -> None:
    data = cib(dummy("a"), RULES)
    (want,) = read(data).intent.location_rules
    (got,) = loaded(converted(data)).location_rules
    assert replace(got, id="", where=ANY) == replace(want, id="", where=ANY)
    assert_same(data)


def test_what_has_no_equivalent_is_listed() -> None:
    data = cib(
        dummy("a", '<operations><op id="r" name="reload" interval="0"/></operations>')
        + dummy("N1")
        + f'<clone id="c">{meta(clone_max="0")}{dummy("b")}</clone>',
        COLOCATION.format(n=1, a="a", b="b", score="5")
        + COLOCATION.format(n=2, a="a", b="b", score="9")
        + '<rsc_location id="l" rsc="a"><rule id="r" score="3"><expression id="e" attribute="#is_dc"'
        ' operation="eq" value="true"/></rule></rsc_location>',
    )
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [
        ("rule", "the rule of l is written as what it says of these nodes"),
        ("name", "N1 is left out: its name is taken, or not legal here"),
        ("colocation", "c2 is the second colocation of a with c"),
        ("op", "the operation reload of a is not known here"),
        ("clone-max", "c has no instances; write state: stopped instead"),
    ]


def test_a_clone_gets_the_priority_of_what_it_clones() -> None:
    data = cib(f'<clone id="c">{dummy("b", meta(priority="5"))}</clone>')
    text = "c gets the priority of b, which it clones"
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [("priority", text)]


def test_virtual_domains_become_guests_if_asked() -> None:
    vm = (
        '<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain"><instance_attributes id="i">'
        '<nvpair id="i1" name="config" value="/etc/vm/vm.xml"/><nvpair id="i2" name="force_stop" value="true"/>'
        '</instance_attributes><operations><op id="o" name="start" timeout="120s"/></operations></primitive>'
    )
    found = converted(cib(vm), makes_guests=True)
    assert [(loss.feature, loss.text) for loss in found.lost] == [
        ("config", "copy /etc/vm/vm.xml from a host beside the YAML: vm is made from it"),
        ("param", "the parameter force_stop of vm means nothing for a guest"),
    ]
    text = yaml_text(found.documents)
    got = load(
        {"cluster.yaml": text.encode(), "vm.xml": b"<domain type='kvm'><name>vm</name></domain>"}
    ).intent
    assert got is not None
    guest = got.resources[ResourceId("vm")]
    assert guest.guest is not None
    assert guest.operations == (
        Operation(name="start", timeout_ms=120_000),
        Operation(name="stop", timeout_ms=20_000, on_fail=OnFail.BLOCK),
    )


def test_no_text_changes_its_meaning_on_the_way() -> None:
    params = [
        "0755",
        "1.10",
        "true",
        "null",
        "~",
        "12e4",
        "a: b",
        "# no",
        "x\ny",
        "'",
        '"',
        "- a",
        "{a}",
        "  ",
        "007",
    ]
    pairs = "".join(f'<nvpair id="i{n}" name="p{n}" value="@{n}@"/>' for n in range(len(params)))
    data = cib(
        f'<primitive id="a" {DUMMY}><instance_attributes id="i">{pairs}</instance_attributes></primitive>'
    )
    for n, text in enumerate(params):
        escaped = text.replace('"', "&quot;").replace("\n", "&#10;")
        data = data.replace(f"@{n}@".encode(), escaped.encode())
    assert dict(loaded(converted(data)).resources[ResourceId("a")].params) == {
        f"p{n}": text for n, text in enumerate(params)
    }


def test_remote_nodes_are_declared_as_such_with_what_is_asked_of_them() -> None:
    remote = (
        '<primitive id="far" class="ocf" provider="pacemaker" type="remote"><instance_attributes id="i">'
        '<nvpair id="i1" name="server" value="192.0.2.7"/></instance_attributes></primitive>'
    )
    data = cib(remote + dummy("a"), LOCATION.format(n=1, a="a", node="far", score="5"))
    found = converted(data)
    text = (
        "far is connected by our controller, wherever that runs: let Pacemaker release it, "
        "then `reconcile adopt far`"
    )
    assert [(loss.feature, loss.text) for loss in found.lost] == [("remote", text)]
    intent = loaded(found)
    assert without_ids(normal(intent)) == without_ids(normal(without_connections(read(data).intent)))
    far = NodeName("far")
    assert (intent.hosts[far].kind, intent.hosts[far].agent) == (
        NodeKind.REMOTE,
        AgentAddress(address="192.0.2.7", flavor=AgentFlavor.STOCK, key_file="/etc/pacemaker/authkey"),
    )
    assert [(location.resource, location.node) for location in intent.locations] == [("a", far)]
