"""Groups and clones become collectives, and hand down to their members what these do not say themselves."""

from reconciler.model.collective import MAX_INSTANCES, Clone, Collective, Group, Promotion
from reconciler.model.names import ResourceId, Where
from reconciler.model.resource import Role
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, read


def collective(text: str) -> Collective:
    """The last one that a CIB declares."""
    return list(read(cib(text)).intent.collectives.values())[-1]


def test_a_group_lists_its_members_in_order() -> None:
    given = read(cib(f'<group id="g">{dummy("b")}{dummy("a")}</group>{dummy("c")}'))
    here = Where(file="cib.xml", line=5)
    assert given.intent.collectives == {
        "g": Group(id=ResourceId("g"), members=(ResourceId("b"), ResourceId("a")), where=here)
    }
    assert {r.id: r.rank for r in given.intent.resources.values()} == {"b": 0, "a": 1, "c": 2}


def test_a_clone_has_as_many_instances_as_there_are_nodes_unless_it_says() -> None:
    here = Where(file="cib.xml", line=5)
    plain = Clone(id=ResourceId("c"), member=ResourceId("r"), where=here, max=2)
    assert collective(f'<clone id="c">{dummy("r")}</clone>') == plain
    said = meta(
        clone_max="5", clone_node_max="2", clone_min="1", interleave="true", ordered="true", notify="true"
    )
    assert collective(f'<clone id="c">{said}{dummy("r")}</clone>') == Clone(
        id=ResourceId("c"),
        member=ResourceId("r"),
        where=here,
        max=5,
        node_max=2,
        min=1,
        is_interleaved=True,
        is_ordered=True,
        is_unique=True,
        notifies=True,
    )


def test_a_clone_with_more_instances_than_can_be_counted_has_the_most_there_may_be() -> None:
    given = read(cib(f'<clone id="c">{meta(clone_max="999999999")}{dummy("r")}</clone>'))
    (found,) = given.intent.collectives.values()
    assert isinstance(found, Clone)
    assert found.max == MAX_INSTANCES
    assert [str(n) for n in given.unsupported] == [
        "cib.xml:5:1: clone c asks for 999999999 instances, and is taken to ask for 1000"
    ]


def test_a_remote_node_counts_for_the_number_of_instances() -> None:
    far = '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>'
    found = collective(f'{far}<clone id="c">{dummy("r")}</clone>')
    assert isinstance(found, Clone)
    assert found.max == 3


def test_only_ocf_agents_can_tell_instances_apart() -> None:
    unit = '<primitive id="r" class="systemd" type="x"/>'
    found = collective(f'<clone id="c">{meta(globally_unique="true", clone_node_max="2")}{unit}</clone>')
    assert isinstance(found, Clone)
    assert (found.is_unique, found.node_max) == (False, 1)


def test_the_old_element_and_the_old_names_make_a_promotable_clone() -> None:
    old = collective(f'<master id="c">{meta(master_max="2", master_node_max="1")}{dummy("r")}</master>')
    new = collective(f'<clone id="c">{meta(promotable="true", promoted_max="2")}{dummy("r")}</clone>')
    assert old == new
    assert isinstance(new, Clone)
    assert new.promotion == Promotion(max=2, node_max=1)


def test_what_a_member_does_not_say_its_group_says_then_its_clone_then_the_defaults() -> None:
    text = (
        f'<clone id="c"><meta_attributes id="mc"><nvpair id="c1" name="priority" value="1"/>'
        f'<nvpair id="c2" name="target-role" value="Stopped"/></meta_attributes>'
        f'<group id="g"><meta_attributes id="mg"><nvpair id="g1" name="priority" value="2"/></meta_attributes>'
        f'<instance_attributes id="ig"><nvpair id="g2" name="a" value="of the group"/></instance_attributes>'
        f"{dummy('x', meta(priority='3'))}{dummy('y')}</group></clone>{dummy('z')}"
    )
    block = '<meta_attributes id="d"><nvpair id="d1" name="priority" value="9"/></meta_attributes>'
    defaults = f"<rsc_defaults>{block}</rsc_defaults>"
    data = cib(text).replace(b"<resources>", defaults.encode() + b"<resources>")
    found = read(data).intent.resources
    assert {r.id: (r.priority, r.state, dict(r.params), r.stickiness) for r in found.values()} == {
        "x": (3, Role.STOPPED, {"a": "of the group"}, 1),
        "y": (2, Role.STOPPED, {"a": "of the group"}, 1),
        "z": (9, Role.STARTED, {}, 0),
    }


def test_only_what_can_be_promoted_can_be_asked_to_stay_unpromoted() -> None:
    wish = meta(target_role="Slave")
    promotable = f'<master id="c">{dummy("r", wish)}</master>'
    given = read(cib(promotable + dummy("q", wish)))
    assert {r.id: r.state for r in given.intent.resources.values()} == {
        "r": Role.UNPROMOTED,
        "q": Role.STARTED,
    }


def test_constraints_on_what_is_cloned_mean_the_clone() -> None:
    rules = (
        '<rsc_location id="l" rsc="m" node="n1" score="5" role="Promoted"/>'
        '<rsc_order id="o" first="g" first-action="promote" then="r"/>'
        '<rsc_colocation id="k" rsc="r" with-rsc="c" with-rsc-role="Master" score="INFINITY"/>'
    )
    given = read(cib(f'<clone id="c"><group id="g">{dummy("m")}</group></clone>{dummy("r")}', rules))
    (location,) = given.intent.locations
    (order,) = given.intent.orderings
    (colocation,) = given.intent.colocations
    assert (location.resource, location.role) == ("c", Role.PROMOTED)
    assert (order.first, order.first_action, order.then, order.then_action) == (
        "c",
        "promote",
        "r",
        "promote",
    )
    assert (colocation.primary, colocation.primary_role, colocation.dependent_role) == (
        "c",
        Role.PROMOTED,
        None,
    )


def test_a_pattern_means_what_is_in_no_group() -> None:
    pattern = '<rsc_location id="l" rsc-pattern="." node="n1" score="5"/>'
    given = read(cib(f'<group id="g">{dummy("m")}</group>{dummy("r")}', pattern))
    assert [location.resource for location in given.intent.locations] == ["g", "r"]


def test_instances_share_a_name_on_nodes_unless_they_differ() -> None:
    status = ran("a:1", op("start", 1)) + ran("b:1", op("start", 2))
    same = f'<clone id="c">{dummy("a")}</clone>'
    different = f'<clone id="d">{meta(globally_unique="true")}{dummy("b")}</clone>'
    given = read(cib(same + different, status=status))
    assert set(given.observed.instances) == {("a", "n1"), ("b:1", "n1")}


def test_nodes_are_in_the_order_of_their_status_with_those_that_are_gone_last() -> None:
    text = cib().decode()
    first, second = text.index('<node_state id="1"'), text.index('<node_state id="2"')
    end = text.index("</status>")
    swapped = text[:first] + text[second:end] + text[first:second] + text[end:]
    assert list(read(swapped.encode()).observed.nodes) == ["n2", "n1"]
    gone = swapped.replace('uname="n2" in_ccm="true"', 'uname="n2" in_ccm="false"')
    assert list(read(gone.encode()).observed.nodes) == ["n1", "n2"]


def test_instances_of_fencing_devices_may_differ_and_those_of_services_may_not() -> None:
    def unique(standard: str) -> bool:
        primitive = f'<primitive id="r" class="{standard}" type="x"/>'
        given = read(cib(f'<clone id="c">{meta(globally_unique="true")}{primitive}</clone>'))
        (found,) = given.intent.collectives.values()
        assert isinstance(found, Clone)
        return found.is_unique

    assert [unique(standard) for standard in ("stonith", "systemd")] == [True, False]


def test_guest_nodes_come_after_the_nodes_that_run_them() -> None:
    vm = dummy("vm", meta(remote_node="g"))
    status = ran("vm", op("start", 1)) + ran("g", op("start", 2))
    inner = '<node_state remote_node="true" id="g" uname="g"/>'
    text = cib(vm, status=status).decode().replace("<status>", f"<status>{inner}")
    assert list(read(text.encode()).observed.nodes) == ["n1", "n2", "g"]
