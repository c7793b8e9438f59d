"""The command `attribute` beside a real agent, with a controller that the test plays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from agent.wire import Element, ProxyDestroy, ProxyRequest, ProxyResponse, Register, RegisterReply
from tests.agent.controller import PATIENCE_S, Agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

ACK = Element("ack", {"status": "0"})


@pytest.fixture
def prefix() -> str:
    return f"reconciler-test-{os.urandom(8).hex()}-"


@pytest.fixture
def serving(agents: Callable[..., Agent], prefix: str) -> Agent:
    one = agents()
    one.start("--serve-programs", prefix)
    return one


def attribute(archive: Path, prefix: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"RECONCILER_PROGRAMS": prefix, "OCF_RESOURCE_INSTANCE": "db", "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-I", "-S", str(archive), "attribute", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def answered(agent: Agent, answer: Element | None, call: Callable[[], object]) -> tuple[ProxyRequest, object]:
    """Let something ask the controller, which answers or refuses; return what was asked, and what came of it."""
    controller = agent.connect("")
    assert controller.ask(Register("shop", is_ipc_provider=True), RegisterReply).rc == 0
    results: list[object] = []
    asking = threading.Thread(target=lambda: results.append(call()))
    asking.start()
    request = controller.notice(ProxyRequest)
    said = (
        ProxyDestroy(request.session)
        if answer is None
        else ProxyResponse(request.session, request.message_id, answer)
    )
    assert controller.rc(said) == 0
    asking.join(PATIENCE_S)
    return request, results[0]


@pytest.mark.parametrize(
    ("words", "want"),
    [
        (["rack", "--value", "r1"], {"attr_name": "rack", "task": "update", "attr_value": "r1"}),
        (["rack", "--delete"], {"attr_name": "rack", "task": "update"}),
        (["--promotion", "--value", "7"], {"attr_name": "master-db", "task": "update", "attr_value": "7"}),
    ],
)
def test_a_change_is_asked_for_and_acknowledged(
    serving: Agent, archive: Path, prefix: str, words: list[str], want: dict[str, str]
) -> None:
    request, result = answered(serving, ACK, lambda: attribute(archive, prefix, *words))
    assert request.body.attributes == {"t": "attrd", "src": "reconciler-agent", **want}
    assert isinstance(result, subprocess.CompletedProcess)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_value_is_printed_and_a_missing_one_is_an_exit_code(
    serving: Agent, archive: Path, prefix: str
) -> None:
    found = Element("reply", {}, (Element("node", {"attr_host": "guest1", "attr_value": "r1"}),))
    for reply, want in ((found, (0, "r1\n")), (Element("reply"), (105, ""))):
        _, result = answered(serving, reply, lambda: attribute(archive, prefix, "rack", "--query"))
        assert isinstance(result, subprocess.CompletedProcess)
        assert (result.returncode, result.stdout) == want
        serving.close_clients()


def test_a_refusal_and_a_missing_controller_are_errors(serving: Agent, archive: Path, prefix: str) -> None:
    alone = attribute(archive, prefix, "rack", "--value", "1")
    assert (alone.returncode, "Remote I/O error" in alone.stderr) == (1, True)
    _, result = answered(serving, None, lambda: attribute(archive, prefix, "standby", "--value", "on"))
    assert isinstance(result, subprocess.CompletedProcess)
    assert (result.returncode, result.stderr) == (1, f"reconciler-agent: error: {prefix}attrd: refused\n")
    nobody = attribute(archive, "nobody-", "rack", "--value", "1")
    assert (nobody.returncode, "nobody-attrd: " in nobody.stderr) == (1, True)
