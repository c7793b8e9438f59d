"""The agent's connections: who is let in, what is answered, what ends them and it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent import VERSION, tls
from agent.listeners import MAX_HALF_OPEN
from agent.wire import (
    OP_CHECK,
    OP_RESOURCE_REGISTER,
    OP_RESOURCE_UNREGISTER,
    Element,
    Exec,
    NewClient,
    Poke,
    PokeNotice,
    ProxyDestroy,
    Register,
    RegisterReply,
    Reply,
    ResourceInfo,
    ResourceInfoReply,
    ResourceNotice,
    ResourceRegister,
    ResourceUnregister,
    ShutdownAck,
    ShutdownNack,
    ShutdownRequest,
    UnknownRequest,
)
from tests.agent.controller import KEY, PATIENCE_S, Agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_registration_says_who_the_agent_is(running: Agent) -> None:
    reply = running.connect("").register("shop", cluster="shop", epoch=7)
    assert reply == RegisterReply(
        rc=0,
        call_id=reply.call_id,
        client_id=reply.client_id,
        protocol_version="1.1",
        uptime_s=reply.uptime_s,
        agent=VERSION,
        instance=reply.instance,
        boot=reply.boot,
        node="guest1",
        epoch=7,
        has_records=True,
    )
    assert reply.uptime_s is not None
    assert running.process is not None
    assert reply.instance.startswith(f"{running.process.pid}-")


def test_the_boot_stays_and_the_instance_changes_with_a_restart(running: Agent) -> None:
    before = running.connect("").register()
    running.kill()
    running.start()
    after = running.connect("").register()
    assert after.boot == before.boot
    assert after.instance != before.instance
    assert after.client_id != before.client_id


def test_poke_is_answered_and_told_to_every_client(running: Agent) -> None:
    first, second = running.connect("first"), running.connect("second")
    assert first.rc(Poke()) == 0
    assert first.notice(PokeNotice) == PokeNotice()
    assert second.notice(PokeNotice) == PokeNotice()


def test_a_new_client_is_told_to_the_others(running: Agent) -> None:
    first = running.connect("first")
    running.connect("")
    assert first.notice(NewClient) == NewClient()


def test_resources_are_registered_replaced_and_forgotten(running: Agent) -> None:
    client, other = running.connect("one"), running.connect("other")
    assert client.rc_of_info("d1") == -19
    call_id = client.ask(ResourceRegister("d1", "ocf", "reconciler", "Dummy"), Reply).call_id
    assert other.notice(ResourceNotice) == ResourceNotice(OP_RESOURCE_REGISTER, "d1", 0, call_id)
    assert client.rc(ResourceRegister("d1", "systemd", "", "nginx")) == 0
    info = other.ask(ResourceInfo("d1"), ResourceInfoReply)
    assert info == ResourceInfoReply(0, info.call_id, "d1", "systemd", "", "nginx")
    call_id = client.ask(ResourceUnregister("d1"), Reply).call_id
    other.notice(ResourceNotice, lambda notice: notice.operation == OP_RESOURCE_UNREGISTER)
    assert client.rc_of_info("d1") == -19
    assert client.rc(Exec("d1", "monitor", 1000)) == -19


@pytest.mark.parametrize(
    ("resource_id", "name"),
    [
        ("d1", ("ocf", "..", "Dummy")),
        ("d1", ("ocf", "reconciler", "../../bin/sh")),
        ("d1", ("ocf", "a/b", "Dummy")),
        ("d1", ("ocf", ".hidden", "Dummy")),
        ("d1", ("ocf", "", "Dummy")),
        ("d1", ("ocf", "heartbeat", "a..b")),
        ("d1", ("ocf", "heartbeat", "x" * 129)),
        ("d1", ("lsb", "provider", "cron")),
        ("d1", ("stonith", "", "fence_xvm")),
        ("../d1", ("ocf", "reconciler", "Dummy")),
        ("d1\n", ("ocf", "reconciler", "Dummy")),
    ],
)
def test_names_that_could_leave_the_folders_are_refused(
    running: Agent, resource_id: str, name: tuple[str, str, str]
) -> None:
    assert running.connect().rc(ResourceRegister(resource_id, *name)) == -22


def test_what_nobody_knows_is_answered_and_lrmd_check_is_not(running: Agent) -> None:
    client = running.connect()
    assert client.rc(UnknownRequest("lrmd_alert_exec", command())) == -95
    assert client.rc(UnknownRequest("no_such_thing", command())) == -95
    client.send(UnknownRequest(OP_CHECK, command()))
    assert client.rc(Poke()) == 0
    assert client.rc(ProxyDestroy("1")) == 0


def command() -> Element:
    return Element("lrmd_command", {"t": "lrmd"}, ())


def test_an_old_protocol_is_refused(running: Agent) -> None:
    client = running.connect("")
    assert client.ask(Register("old", protocol_version="0.9"), RegisterReply).rc == -71
    client.wait_for_end()


@pytest.mark.parametrize(
    "raw",
    [b"GET / HTTP/1.1\r\n\r\n" + b"x" * 40, b"\xba\xad\xba\xad" + b"\xff" * 40, bytes(40)],
    ids=["http", "huge", "zeros"],
)
def test_garbage_ends_the_connection_and_no_other(running: Agent, raw: bytes) -> None:
    good, bad = running.connect("good"), running.connect("")
    bad.send_raw(raw)
    bad.wait_for_end()
    assert good.rc(Poke()) == 0


def test_a_client_that_stalls_within_a_message_delays_nobody(running: Agent) -> None:
    bad = running.connect("bad")
    bad.send_raw(b"\xdb\xdb")
    assert running.connect("good").rc(Poke()) == 0


# Epochs


def test_a_stale_controller_is_refused_and_a_replaced_one_cut_off(running: Agent) -> None:
    old = running.connect("")
    assert old.register("old", cluster="shop", epoch=3).rc == 0
    new = running.connect("")
    assert new.register("new", cluster="shop", epoch=4).rc == 0
    old.wait_for_end()
    stale = running.connect("")
    assert stale.register("stale", cluster="shop", epoch=3).rc == -116
    stale.wait_for_end()
    assert new.rc(Poke()) == 0


def test_epochs_are_kept_across_restarts_and_by_cluster(running: Agent) -> None:
    assert running.connect("").register("new", cluster="shop", epoch=4).rc == 0
    running.kill()
    (running.state / "boot").write_text("another\n", encoding="ascii")
    running.start()
    assert running.connect("").register("stale", cluster="shop", epoch=3).rc == -116
    assert running.connect("").register("other", cluster="lab", epoch=1).rc == 0
    assert running.connect("").register("stock").rc == 0


# TLS


def test_tls_serves_whoever_holds_the_key(agents: Callable[..., Agent], tmp_path: Path) -> None:
    one = agents()
    one.start_tls()
    client = one.connect_tls()
    assert client.rc(Poke()) == 0
    assert client.notice(PokeNotice) == PokeNotice()
    client.add("d1")
    assert client.run("d1", "start", {"state": str(tmp_path / "s"), "text": "x" * 100_000}).exec_rc == 0


def test_tls_refuses_whoever_does_not(agents: Callable[..., Agent]) -> None:
    one = agents()
    one.start_tls()
    with pytest.raises(tls.TLSError):
        one.connect_tls(key=bytes(64))
    with pytest.raises(tls.TLSError):
        one.connect_tls(identity="somebody")
    assert one.connect_tls().rc(Poke()) == 0


def test_a_new_key_needs_no_restart(agents: Callable[..., Agent]) -> None:
    one = agents()
    one.start_tls()
    before = one.connect_tls()
    one.key_file.write_bytes(bytes(reversed(KEY)))
    assert one.connect_tls("again", key=bytes(reversed(KEY))).rc(Poke()) == 0
    with pytest.raises(tls.TLSError):
        one.connect_tls(key=KEY)
    assert before.rc(Poke()) == 0


def test_too_many_half_open_connections_push_out_the_oldest(agents: Callable[..., Agent]) -> None:
    one = agents()
    one.start_tls()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(one.address)) for _ in range(MAX_HALF_OPEN + 1)]
        idle[0].settimeout(PATIENCE_S)
        assert idle[0].recv(1) == b""
        assert one.connect_tls().rc(Poke()) == 0


# The Unix socket


def test_the_unix_socket_is_for_its_user_only(running: Agent) -> None:
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_not_served_even_if_the_socket_lets_it_in(running: Agent) -> None:
    running.socket.chmod(0o666)
    code = (
        "import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.settimeout(60)\n"
        "s.connect('agent.sock'); raise SystemExit(0 if s.recv(1) == b'' else 1)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=running.folder, check=False)
    assert result.returncode == 0


def test_a_socket_left_by_a_killed_agent_is_replaced(running: Agent) -> None:
    running.kill()
    assert running.socket.exists()
    running.start()
    assert running.connect().rc(Poke()) == 0


# The end


def test_without_a_provider_a_signal_ends_the_agent_and_no_resource(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    assert client.run("d1", "start", {"state": str(tmp_path / "state")}).exec_rc == 0
    assert running.terminate() == 0
    assert (tmp_path / "state").exists()
    assert not running.socket.exists()


def test_a_provider_is_asked_to_drain_the_node_and_waited_for(running: Agent, tmp_path: Path) -> None:
    provider = running.connect("")
    assert provider.ask(Register("controld", is_ipc_provider=True), RegisterReply).rc == 0
    assert running.process is not None
    running.process.send_signal(signal.SIGTERM)
    assert provider.notice(ShutdownRequest) == ShutdownRequest()
    assert provider.rc(ShutdownAck()) == 0
    provider.add("d1")
    assert provider.run("d1", "stop", {"state": str(tmp_path / "state")}).exec_rc == 0
    assert running.process.poll() is None
    with pytest.raises(OSError, match=r"No such file|refused"):
        running.connect("late")
    provider.close()
    assert running.process.wait(PATIENCE_S) == 0


def test_a_provider_that_will_not_drain_lets_the_agent_go(running: Agent) -> None:
    provider = running.connect("")
    provider.ask(Register("controld", is_ipc_provider=True), RegisterReply)
    assert running.process is not None
    running.process.send_signal(signal.SIGTERM)
    provider.notice(ShutdownRequest)
    assert provider.rc(ShutdownNack()) == 0
    assert running.process.wait(PATIENCE_S) == 0


def test_a_controller_that_does_not_drain_in_time_is_not_waited_for(agents: Callable[..., Agent]) -> None:
    agent = agents()
    agent.start("--drain-limit", "1")
    provider = agent.connect("")
    provider.ask(Register("controld", is_ipc_provider=True), RegisterReply)
    assert agent.process is not None
    agent.process.send_signal(signal.SIGTERM)
    provider.notice(ShutdownRequest)
    with contextlib.suppress(ConnectionError):  # on a machine that is held up, its time may be over already
        assert provider.rc(ShutdownAck()) == 0
    assert agent.process.wait(PATIENCE_S) == 0
    assert "this node was not drained in time" in (agent.folder / "log").read_text(encoding="utf-8")


def test_an_interrupt_ends_the_agent_at_once_and_asks_nobody(running: Agent) -> None:
    provider = running.connect("")
    provider.ask(Register("controld", is_ipc_provider=True), RegisterReply)
    assert running.process is not None
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(PATIENCE_S) == 0


# The start


def test_systemd_is_told_when_the_agent_listens(agents: Callable[..., Agent], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(PATIENCE_S)
        agents().start(environment={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert notified.recv(100) == b"READY=1"
