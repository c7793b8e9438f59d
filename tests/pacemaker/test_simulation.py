"""A CIB is planned for and carried out on paper, and told in Pacemaker's words."""

from reconciler.pacemaker.simulation import executed_lines, simulation_document, simulation_text
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, simulate

STOP_BLOCKS = '<operations><op id="s" name="stop" interval="0" on-fail="block"/></operations>'


def test_a_start_is_told_with_its_probes_and_places() -> None:
    simulation = simulate(cib(dummy("r")))
    document = simulation_document(simulation)
    assert document == {
        "placement": {"r": [{"node": "n1", "role": "Started"}]},
        "transition": ["* Start      r   ( n1 )"],
        "actions": [
            _action("r_probe_0@n1", "monitor", "n1"),
            _action("r_probe_0@n2", "monitor", "n2"),
            _action("r_start_0@n1", "start", "n1", "r_probe_0@n1", "r_probe_0@n2"),
        ],
        "unsupported": [],
    }
    assert simulation_text(simulation).splitlines()[-3:] == [
        "Revised Cluster Status:",
        "  * Full List of Resources:",
        "    * r (ocf:test:Dummy): Started n1",
    ]


def _action(name: str, operation: str, node: str, *after: str) -> dict[str, object]:
    return {
        "id": name,
        "kind": "resource",
        "resource": "r",
        "operation": operation,
        "interval_ms": 0,
        "node": node,
        "after": list(after),
    }


def lines(data: bytes) -> object:
    return simulation_document(simulate(data))["transition"]


def test_a_changed_parameter_is_a_restart_due_to_its_definition() -> None:
    status = ran("r", op("start", 1, op_digest="0" * 32))
    assert lines(cib(dummy("r"), status=status)) == [
        "* Restart    r   ( n1 )  due to resource definition change"
    ]


def test_the_digest_of_no_parameters_is_known() -> None:
    status = ran("r", op("start", 1, op_digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"))
    assert lines(cib(dummy("r"), status=status)) == []


def test_what_starts_after_something_that_starts_is_restarted_and_told_why() -> None:
    order = '<rsc_order id="o" first="a" then="b"/>'
    status = ran("b", op("start", 1))
    stays = meta(resource_stickiness="1")
    assert lines(cib(dummy("a") + dummy("b", stays), order, status)) == [
        "* Start      a   ( n1 )",
        "* Restart    b   ( n1 )  due to required a start",
    ]


def test_what_cannot_start_is_told_as_blocked() -> None:
    order = '<rsc_order id="o" first="a" then="b" symmetrical="false"/>'
    assert lines(cib(dummy("a", meta(target_role="Stopped")) + dummy("b"), order)) == [
        "* Start      b   ( n1 )  due to unrunnable a start (blocked)"
    ]


def test_without_quorum_everything_stops() -> None:
    assert lines(cib(dummy("a") + dummy("b"), status=ran("a", op("start", 1)), quorum="0")) == [
        "* Stop       a   ( n1 )  due to no quorum",
        "* Start      b   ( n2 )  due to no quorum (blocked)",
    ]


def test_what_runs_twice_is_stopped_twice() -> None:
    text = cib(dummy("r", meta(multiple_active="stop_only")), status=ran("r", op("start", 1))).decode()
    second = f'<lrm id="2"><lrm_resources>{ran("r", op("start", 1))}</lrm_resources></lrm></node_state>'
    text = text.replace('expected="member"/>', f'expected="member">{second}')
    assert lines(text.encode()) == [
        "* Stop       r   ( n1 )  due to node availability",
        "* Stop       r   ( n2 )  due to node availability",
    ]


def test_alternatives_meet_in_a_pseudo_action() -> None:
    sets = (
        '<resource_set id="s1" require-all="false" sequential="false"><resource_ref id="a"/></resource_set>'
        '<resource_set id="s2"><resource_ref id="b"/></resource_set>'
    )
    simulation = simulate(cib(dummy("a") + dummy("b"), f'<rsc_order id="o">{sets}</rsc_order>'))
    actions = simulation_document(simulation)["actions"]
    assert isinstance(actions, list)
    assert [(a["id"], a["after"]) for a in actions if a["kind"] == "pseudo"] == [
        ("one-or-more:s1", ["a_start_0@n1"])
    ]


def test_what_would_move_and_cannot_be_stopped_is_told_as_a_stop() -> None:
    group = f'<group id="g">{dummy("a")}{dummy("b", STOP_BLOCKS)}</group>'
    ban = '<rsc_location id="l" rsc="g" node="n1" score="-INFINITY"/>'
    status = ran("a", op("start", 1)) + ran("b", op("start", 1), op("stop", 2, rc=1))
    assert lines(cib(group, ban, status)) == ["* Stop       a   ( n1 )  due to unrunnable b stop (blocked)"]


def test_unfencing_is_fencing_turned_on() -> None:
    device = f'<primitive id="f" class="stonith" type="fence_any">{meta(provides="unfencing")}</primitive>'
    text = cib(device, options='<nvpair id="o2" name="fencing-enabled" value="true"/>').decode()
    simulation = simulate(
        text.replace('name="stonith-enabled" value="false"', 'name="any" value=""').encode()
    )
    assert simulation_document(simulation)["transition"] == [
        "* Fence (on) n1 'required by f monitor'",
        "* Fence (on) n2 'required by f monitor'",
        "* Start      f   ( n1 )",
    ]
    assert sorted(line for line in executed_lines(simulation) if "Fencing" in line) == [
        "* Fencing n1 (on)",
        "* Fencing n2 (on)",
    ]


def test_a_stop_that_fencing_makes_needless_is_called_as_the_history_knows_the_instance() -> None:
    clone = f'<clone id="c">{dummy("r")}</clone>'
    device = '<primitive id="f" class="stonith" type="fence_any"/>'
    text = cib(clone + device, status=ran("r", op("start", 1))).decode()
    text = text.replace('value="false"', 'value="true"').replace('crmd="online"', 'crmd="offline"', 1)
    simulation = simulate(text.encode())
    stops = [line for line in executed_lines(simulation) if "stop_0" in line]
    assert stops == ["* Pseudo action:   c_stop_0", "* Pseudo action:   r_stop_0"]
