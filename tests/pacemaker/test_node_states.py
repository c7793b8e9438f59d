"""A node is online, gone, awaited or lost by what the status section says of it, and by whether there is fencing."""

import pytest
from lxml import etree

from reconciler.model.node import NodeState
from reconciler.pacemaker.document import open_cib
from reconciler.pacemaker.node_states import judge
from reconciler.pacemaker.options import read_options
from tests.pacemaker.cibs import NOW

AGO = int(NOW) - 100
UP = f'in_ccm="{AGO}" crmd="{AGO}"'
GONE = 'in_ccm="false" crmd="offline"'
MEMBER = 'join="member" expected="member"'
LOST = "peer is no longer part of the cluster"
UNSEEN = "peer has not been seen by the cluster"


def verdict(
    state: str | None, options: str = "", quorum: str = "1", **attributes: str
) -> tuple[NodeState, str]:
    pairs = "".join(
        f'<nvpair id="{name}" name="{name}" value="{value}"/>'
        for name, value in (pair.split("=") for pair in options.split())
    )
    text = (
        f'<cib have-quorum="{quorum}" no-quorum-panic="1"><configuration><crm_config><cluster_property_set id="o">'
        f"{pairs}</cluster_property_set></crm_config></configuration></cib>"
    )
    read = read_options(open_cib(text.encode(), "cib.xml", NOW))
    element = None if state is None else etree.fromstring(f"<node_state {state}/>")
    judged = judge(element, attributes, read, NOW)
    return judged.state, judged.text


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, (NodeState.UNCLEAN, "")),
        (f"{UP} {MEMBER}", (NodeState.ONLINE, "")),
        (f'in_ccm="true" crmd="online" {MEMBER}', (NodeState.ONLINE, "")),
        (f"{GONE} {MEMBER}", (NodeState.UNCLEAN, LOST)),
        (f'in_ccm="0" crmd="0" {MEMBER}', (NodeState.UNCLEAN, LOST)),
        (
            f'in_ccm="true" crmd="offline" {MEMBER}',
            (NodeState.UNCLEAN, "peer process is no longer available"),
        ),
        (f'crmd="online" {MEMBER}', (NodeState.UNCLEAN, UNSEEN)),
        (f'{GONE} join="down" expected="down"', (NodeState.OFFLINE, "")),
        (f'{UP} join="pending" expected="member"', (NodeState.PENDING, "")),
        (f'{UP} join="member" expected="down"', (NodeState.PENDING, "")),
        (
            f'{UP} join="banned" expected="member"',
            (NodeState.UNCLEAN, "peer failed Pacemaker membership criteria"),
        ),
        (f'{UP} join="odd" expected="member"', (NodeState.UNCLEAN, "peer was in an unknown state")),
    ],
)
def test_with_fencing_a_node_that_should_be_there_and_is_not_must_be_fenced(
    state: str | None, expected: tuple[NodeState, str]
) -> None:
    assert verdict(state) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, (NodeState.OFFLINE, "")),
        (f"{UP} {MEMBER}", (NodeState.ONLINE, "")),
        (f'{UP} join="pending" expected="member"', (NodeState.PENDING, "")),
        (f"{GONE} {MEMBER}", (NodeState.OFFLINE, "")),
        (f'in_ccm="true" crmd="offline" {MEMBER}', (NodeState.OFFLINE, "peer is unexpectedly down")),
    ],
)
def test_without_fencing_a_node_is_gone_unless_it_says_otherwise(
    state: str | None, expected: tuple[NodeState, str]
) -> None:
    assert verdict(state, "stonith-enabled=false") == expected


def test_a_node_that_shuts_down_is_not_fenced_for_it() -> None:
    assert verdict(f"{GONE} {MEMBER}", shutdown="1700000000") == (NodeState.OFFLINE, "")
    assert verdict(f"{UP} {MEMBER}", shutdown="1700000000") == (NodeState.ONLINE, "")


def test_a_node_is_fenced_when_somebody_asks_for_it() -> None:
    assert verdict(f"{UP} {MEMBER}", terminate="true") == (NodeState.UNCLEAN, "fencing was requested")
    assert verdict(f'{GONE} join="down" expected="member"', terminate="1") == (NodeState.OFFLINE, "")


def test_a_node_is_not_waited_for_longer_than_allowed() -> None:
    coming = f'in_ccm="{AGO}" crmd="0" join="down" expected="down"'
    why = "peer pending timed out on joining the process group"
    assert verdict(coming) == (NodeState.PENDING, "")
    assert verdict(coming, "node-pending-timeout=101s") == (NodeState.PENDING, "")
    assert verdict(coming, "node-pending-timeout=100s") == (NodeState.UNCLEAN, why)


def test_unseen_nodes_are_left_alone_if_that_is_wanted() -> None:
    assert verdict(None, "startup-fencing=false") == (NodeState.OFFLINE, "")


@pytest.mark.parametrize("policy", ["suicide", "fence"])
def test_without_quorum_all_are_fenced_if_that_is_wanted(policy: str) -> None:
    state = f"{UP} {MEMBER}"
    wanted = f"no-quorum-policy={policy}"
    assert verdict(state, wanted, quorum="0") == (NodeState.UNCLEAN, "cluster does not have quorum")
    assert verdict(state, wanted) == (NodeState.ONLINE, "")
    assert verdict(state, f"{wanted} fencing-enabled=false", quorum="0") == (NodeState.ONLINE, "")
