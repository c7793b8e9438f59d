"""Links against an agent that is scripted by the test, over a Unix socket and over TLS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent import wire
from agent.wire import values
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.names import ResourceId
from reconciler.model.node import AgentFlavor, LinkReason
from reconciler.model.operation import InFlight, Monitor, OperationResult, StartRecord
from reconciler.ports import Session
from reconciler.world.links.links import WireLink

if TYPE_CHECKING:
    from pathlib import Path
from tests.world.links.peer import (
    CONNECT_MS,
    DUMMY,
    FAST,
    MONITOR,
    OURS,
    START,
    STOCK,
    Agent,
    Heard,
    failure,
    play,
)


def test_a_session_tells_what_our_agent_keeps(tmp_path: Path) -> None:
    record = wire.StartRecord(
        "web", "ocf", "heartbeat", "Dummy", "shop", "u0", "abc", "hash", wire.Phase.STARTED, 100, 0, 0,
        params={"port": "80", "CRM_meta_timeout": "20000", "crm_feature_set": "3.16.2"},
        recurring=(wire.RecurringOperation("web", "monitor", 10_000, 20_000),),
        in_flight=wire.InFlight("monitor", 5, "", 77, 20_000, 10_000),
    )  # fmt: skip
    armed = (wire.RecurringOperation("web", "monitor", 10_000, 20_000),)

    async def scenario(agent: Agent, link: WireLink) -> Session:
        agent.records = (record,)
        agent.recurring = armed
        return await link.connect(CONNECT_MS)

    monitor = Monitor(interval_ms=10_000, timeout_ms=20_000)
    kept = StartRecord(
        resource=ResourceId("web"),
        agent=DUMMY,
        params={"port": "80"},
        cluster="shop",
        uid="u0",
        commit="abc",
        since=100.0,
        monitors=(monitor,),
        in_flight=InFlight(operation="monitor", uid="", interval_ms=10_000, timeout_ms=20_000),
        agent_hash="hash",
        result=OperationResult(resource=ResourceId("web"), operation="start", uid="u0"),
    )
    assert play(tmp_path, scenario) == Session(
        is_ours=True,
        instance="i1",
        incarnation="b1",
        is_record_keeping=True,
        records={ResourceId("web"): kept},
        recurring={ResourceId("web"): (monitor,)},
    )


def test_a_stock_agent_is_sent_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Session:
        agent.register_reply = STOCK
        session = await link.connect(CONNECT_MS)
        await link.execute(START)
        return session

    agent = Agent()
    session = play(tmp_path, scenario, agent=agent, flavor=AgentFlavor.STOCK)
    assert (session.is_ours, session.is_record_keeping, session.incarnation) == (False, False, "")
    assert session.instance.startswith("stock-")
    sent = [type(request) for request in agent.requests]
    assert sent == [
        wire.Register,
        wire.GetRecurring,
        wire.ResourceInfo,
        wire.ResourceRegister,
        wire.Exec,
    ]
    assert agent.requests[0] == wire.Register("reconciler", is_ipc_provider=True)
    exec_ = agent.requests[-1]
    assert isinstance(exec_, wire.Exec)
    assert (exec_.uid, exec_.commit, exec_.userdata) == ("", "", "u1")


def test_our_agent_is_told_cluster_and_epoch(tmp_path: Path) -> None:
    agent = Agent()
    play(tmp_path, lambda _agent, link: link.connect(CONNECT_MS), agent=agent)
    assert agent.requests[0] == wire.Register("reconciler", is_ipc_provider=True, cluster="shop", epoch=7)


def test_an_operation_is_sent_with_what_resource_agents_expect(tmp_path: Path) -> None:
    async def scenario(_agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(CONNECT_MS)
        return await link.execute(START)

    agent = Agent()
    result = play(tmp_path, scenario, agent=agent)
    assert result == OperationResult(
        resource=ResourceId("web"), operation="start", uid="u1", ran_at=50.0, took_ms=6
    )
    assert agent.requests[-1] == wire.Exec(
        "web",
        "start",
        timeout_ms=20_000,
        userdata="u1",
        params={
            "CRM_meta_name": "start",
            "CRM_meta_timeout": "20000",
            "CRM_meta_interval": "0",
            "CRM_meta_on_node": "guest1",
            "crm_feature_set": "3.16.2",
            "port": "80",
        },
        uid="u1",
        commit="abc",
    )


def test_a_resource_is_introduced_once_and_only_if_the_agent_does_not_know_it(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        agent.resources["known"] = wire.ResourceInfoReply(0, 1, "known", "ocf", "heartbeat", "Dummy")
        agent.resources["other"] = wire.ResourceInfoReply(0, 1, "other", "systemd", "", "nginx")
        await link.connect(CONNECT_MS)
        for resource in ("known", "other", "new", "new"):
            await link.execute(replace(START, resource=ResourceId(resource), uid=f"{resource}-start"))

    agent = Agent()
    play(tmp_path, scenario, agent=agent)
    asked = [r.resource_id for r in agent.requests if isinstance(r, wire.ResourceInfo)]
    registered = [r.resource_id for r in agent.requests if isinstance(r, wire.ResourceRegister)]
    assert (asked, registered) == (["known", "other", "new"], ["other", "new"])


def test_a_monitor_returns_its_first_result_and_reports_changes(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(CONNECT_MS)
        first = await link.execute(MONITOR)
        changed = wire.OperationResult("web", "monitor", agent.call_id, 7, 0, interval_ms=10_000)
        agent.notify(changed)
        agent.notify(values.replace(changed, op_status=wire.ExecStatus.CANCELLED))
        agent.notify(values.replace(changed, exec_rc=0))
        await heard.on("result", 2)
        return first

    heard = Heard()
    first = play(tmp_path, scenario, heard=heard)
    assert (first.rc, first.interval_ms) == (0, 10_000)
    assert [(result.rc, result.status, result.uid) for result in heard.results] == [(7, 0, ""), (0, 0, "")]


def test_a_lost_connection_makes_the_outcome_unknown_never_failed(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> tuple[Any, bool]:
        agent.on_exec = lambda agent, message_id, _: (agent.reply(message_id, 8), agent.hang_up())
        await link.connect(CONNECT_MS)
        return await failure(link.execute(START)), link.is_connected

    heard = Heard()
    error, is_connected = play(tmp_path, scenario, heard=heard)
    assert (type(error), error.reason, is_connected) == (OutcomeUnknownError, LinkReason.LOST, False)
    assert heard.lost == ["the agent closed the connection"]


def test_losing_the_connection_before_the_operation_was_sent_is_no_unknown_outcome(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(CONNECT_MS)
        agent.on[wire.ResourceInfo] = lambda agent, _id, _request: agent.hang_up()
        return [await failure(link.execute(START)), await failure(link.execute(START))]

    errors = play(tmp_path, scenario)
    assert [(type(error), error.reason) for error in errors] == [(LinkError, LinkReason.LOST)] * 2


def test_a_result_that_stays_out_is_unknown_and_is_kept_for_who_asks_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        await link.connect(CONNECT_MS)
        impatient = replace(START, timeout_ms=10)
        error = await failure(link.execute(impatient))
        late = wire.OperationResult("web", "start", 8, 1, 0, exit_reason="no", uid="u1")
        agent.notify(late)
        agent.notify(wire.OperationResult("web", "monitor", 9, 7, 0, interval_ms=10_000))
        await heard.on("result", 1)
        return [error, link.is_connected, await link.execute(impatient)]

    heard = Heard()
    agent = Agent()
    settings = replace(FAST, result_grace_s=0.01)
    error, is_connected, result = play(tmp_path, scenario, agent=agent, heard=heard, settings=settings)
    assert (type(error), error.reason, is_connected) == (OutcomeUnknownError, LinkReason.SILENT, True)
    want = OperationResult(resource=ResourceId("web"), operation="start", rc=1, reason="no", uid="u1")
    assert result == want
    assert len([request for request in agent.requests if isinstance(request, wire.Exec)]) == 1


def test_a_request_that_the_agent_will_not_run_is_a_failed_operation(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[OperationResult]:
        await link.connect(CONNECT_MS)
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, wire.RC_INVALID)
        by_exec = await link.execute(START)
        agent.on[wire.ResourceRegister] = lambda agent, message_id, _: agent.reply(
            message_id, wire.RC_INVALID
        )
        return [by_exec, await link.execute(START)]

    want = OperationResult(
        resource=ResourceId("web"),
        operation="start",
        rc=1,
        status=wire.ExecStatus.ERROR,
        reason="the agent refused the request (-22)",
        uid="u1",
    )
    assert play(tmp_path, scenario) == [want, want]


def test_a_controller_that_was_replaced_is_told_so_at_registration_and_at_any_operation(
    tmp_path: Path,
) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(CONNECT_MS)
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, wire.RC_STALE_EPOCH)
        errors = [await failure(link.execute(START))]
        agent.register_reply = wire.RegisterReply(wire.RC_STALE_EPOCH, epoch=8)
        return [*errors, await failure(link.connect(CONNECT_MS))]

    errors = play(tmp_path, scenario)
    assert [(type(error), error.reason) for error in errors] == [(LinkError, LinkReason.STALE)] * 2


def test_the_agent_of_another_node_is_not_believed(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.register_reply = values.replace(OURS, node="guest2")
        return await failure(link.connect(CONNECT_MS))

    error = play(tmp_path, scenario)
    assert (error.reason, str(error)) == (LinkReason.WRONG_NODE, "the agent there is that of node guest2")
