"""Ordinary traffic in both directions: what the mutator starts from."""

from __future__ import annotations

import copy
from functools import cache

from agent import wire
from agent.wire import Connection, Role

REGISTER = wire.Register("shop", cluster="shop", epoch=7)
REGISTERED = wire.RegisterReply(0, 1, client_id="c1", protocol_version="1.1", uptime_s=3, agent="1.0")
RESULT = wire.OperationResult(
    "web", "monitor", 8, 7, 0, interval_ms=10_000, params={"port": "80"}, output="ü <&>\n" * 20, uid="u1"
)
RECORD = wire.StartRecord(
    "web", "ocf", "heartbeat", "Dummy", "shop", "u1", "abc", "0f" * 16, wire.Phase.STARTED, 3,
    params={"state": "/run/a"},
)  # fmt: skip

REQUESTS: tuple[wire.Request, ...] = (
    wire.Poke(),
    wire.ResourceRegister("web", "ocf", "heartbeat", "Dummy"),
    wire.ResourceInfo("web"),
    wire.Exec(
        "web", "start", timeout_ms=20_000, params={"port": "80", "path": "/a b"}, uid="u1", commit="abc"
    ),
    wire.Exec("web", "monitor", timeout_ms=20_000, interval_ms=10_000, params={"port": "80"}),
    wire.Cancel("web", "monitor", 10_000),
    wire.GetRecurring(),
    wire.GetRecords(),
    wire.ShutdownAck(),
    wire.ResourceUnregister("web"),
)
REPLIES: tuple[wire.AnyReply, ...] = (
    wire.Reply(0, 2),
    wire.Reply(0, 3),
    wire.ResourceInfoReply(0, 4, "web", "ocf", "heartbeat", "Dummy"),
    wire.Reply(5, 5),
    wire.Reply(6, 6),
    wire.Reply(0, 7),
    wire.RecurringReply(0, 8, (wire.RecurringOperation("web", "monitor", 10_000, 20_000),)),
    wire.RecordsReply(0, 9, (RECORD,)),
)
NOTICES: tuple[wire.Notice, ...] = (
    RESULT,
    wire.PokeNotice(),
    wire.NewClient(),
    wire.ShutdownRequest(),
)


def opened(role: Role) -> Connection:
    """Return one end of a connection that is open; a client waits for replies to all requests that get one."""
    # What it owns is copied and the rest shared: to open one takes as long as a dozen messages.
    end = copy.copy(_opened(role))
    own = vars(end)
    own["_frames"], own["_unanswered"] = copy.deepcopy(own["_frames"]), dict(own["_unanswered"])
    return end


@cache
def _opened(role: Role) -> Connection:
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    message_id, chunks = client.send_request(REGISTER)
    _deliver(server, chunks)
    _deliver(client, server.send_reply(message_id, REGISTERED))
    if role is Role.SERVER:
        return server
    for request in REQUESTS[: len(REPLIES)]:
        client.send_request(request)
    return client


@cache
def frames_for(role: Role) -> tuple[bytes, ...]:
    """Return whole messages that one end may receive on a connection made by `opened`."""
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    message_id, chunks = client.send_request(REGISTER)
    _deliver(server, chunks)
    _deliver(client, server.send_reply(message_id, REGISTERED))
    requests = [client.send_request(request) for request in REQUESTS]
    if role is Role.SERVER:
        return tuple(b"".join(chunks) for _, chunks in requests)
    for _, chunks in requests:
        _deliver(server, chunks)
    replies = [
        server.send_reply(message_id, reply)
        for (message_id, _), reply in zip(requests, REPLIES, strict=False)
    ]
    return tuple(
        b"".join(chunks) for chunks in [*replies, *(server.send_notice(notice) for notice in NOTICES)]
    )


def _deliver(end: Connection, chunks: list[bytes]) -> None:
    for chunk in chunks:
        end.receive_bytes(chunk)
    while end.next_event() is not None:
        pass
