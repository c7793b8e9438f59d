"""Judges from the status section whether a cluster node is there, is gone, or must be fenced.

The rules (Pacemaker lib/pengine/unpack.c, determine_online_status and what it calls):

* A node is in the membership, its controller is in the process group, and it has joined: then it is online.
* Without fencing one that is not is offline.
* With fencing one that should be there and is not must be fenced, and so must one that was never heard of.
* A node that shuts down, or was down as expected and is coming up, is waited for, but not for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.node import NodeState
from reconciler.pacemaker.document import Element
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.values import boolean, integer

_BOOLEANS = frozenset({"true", "on", "yes", "y", "1", "false", "off", "no", "n", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a node's state is, and why it must be fenced if it must."""

    state: NodeState
    text: str = ""
    """For a node that is unclean: why, in Pacemaker's words."""
    is_answering: bool = False
    """It is in the membership, though it may have to be fenced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What a <node_state> says."""

    member_since: int
    """Epoch seconds; 0: no member, -1: not known."""
    online_since: int
    """Epoch seconds, or 1 if the time is not known; 0: the controller is not in the process group."""
    join: str
    expected: str | None
    is_leaving: bool
    must_end: bool
    """Somebody asked for it to be fenced."""


def judge(state: Element | None, attributes: Mapping[str, str], options: Options, now: float) -> Judgement:
    """Return what a cluster node's state is.

    Args:
        state: its <node_state>; None: it has none.
        attributes: of the node.
        options: the cluster options.
        now: epoch seconds.
    """
    if state is None:
        is_lost = options.has_fencing and options.has_startup_fencing
        return Judgement(state=NodeState.UNCLEAN if is_lost else NodeState.OFFLINE)
    report = _report(state, attributes, now)
    judged = _with_fencing(report, options, now) if options.has_fencing else _without_fencing(report)
    is_up = judged.state in {NodeState.ONLINE, NodeState.PENDING} or judged.is_answering
    if options.fences_all and is_up and judged.state is not NodeState.UNCLEAN:
        return _unclean("cluster does not have quorum", is_answering=True)
    return judged


def is_leaving(attributes: Mapping[str, str]) -> bool:
    """Tell whether a node has asked to shut down."""
    return attributes.get("shutdown", "0") not in {"", "0"}


def _report(state: Element, attributes: Mapping[str, str], now: float) -> _Report:
    terminate = attributes.get("terminate", "")
    crmd = (state.get("crmd") or "offline").lower()
    return _Report(
        member_since=_member_since(state.get("in_ccm"), now),
        online_since=1 if crmd == "online" else max(0, integer(crmd)),
        join=state.get("join", ""),
        expected=state.get("expected"),
        is_leaving=is_leaving(attributes),
        must_end=boolean(terminate) or integer(terminate) > 0,
    )


def _member_since(text: str | None, now: float) -> int:
    if text is None:
        return -1
    if text.lower() in _BOOLEANS:
        return int(now) if boolean(text) else 0
    return integer(text, -1)


def _without_fencing(report: _Report) -> Judgement:
    if report.member_since <= 0:
        return Judgement(state=NodeState.OFFLINE)
    if report.online_since > 0:
        has_joined = report.join.lower() == "member"
        return Judgement(state=NodeState.ONLINE if has_joined else NodeState.PENDING)
    is_expected = not report.is_leaving and (report.expected or "").lower() == "member"
    # Nothing can make sure of it, so that it is taken for gone all the same.
    return Judgement(state=NodeState.OFFLINE, text="peer is unexpectedly down" if is_expected else "")


def _with_fencing(report: _Report, options: Options, now: float) -> Judgement:
    is_member, is_online = report.member_since > 0, report.online_since > 0
    down = Judgement(state=NodeState.OFFLINE)
    awaited = Judgement(state=NodeState.PENDING if is_member else NodeState.OFFLINE)
    why = ""
    if report.is_leaving:
        return Judgement(state=NodeState.ONLINE) if is_online else down
    if report.member_since < 0:
        return _unclean("peer has not been seen by the cluster")
    if report.join == "banned":
        why = "peer failed Pacemaker membership criteria"
    elif report.must_end:
        if not is_member and not is_online and report.join == "down":
            return down
        why = "fencing was requested"
    elif report.expected in {None, "down"}:
        if not _is_overdue(report, options, now):
            return awaited
        why = "peer pending timed out on joining the process group"
    elif not is_member:
        why = "peer is no longer part of the cluster"
    elif not is_online:
        why = "peer process is no longer available"
    elif report.join == "member":
        return Judgement(state=NodeState.ONLINE)
    elif report.join in {"pending", "down"}:
        return awaited
    else:
        why = "peer was in an unknown state"
    return _unclean(why, is_answering=is_member)


def _is_overdue(report: _Report, options: Options, now: float) -> bool:
    is_pending = report.member_since > 0 and report.online_since <= 0
    limit_ms = options.node_pending_timeout_ms
    return limit_ms > 0 and is_pending and now >= report.member_since + limit_ms // 1000


def _unclean(why: str, *, is_answering: bool = False) -> Judgement:
    return Judgement(state=NodeState.UNCLEAN, text=why, is_answering=is_answering)
