"""The agent's command line: what it needs, what it refuses, in one line and by exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent import VERSION
from agent.listeners import split_address
from tests.agent.controller import KEY, PATIENCE_S, Agent, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("options", "exit_code", "complaint"),
    [
        ([], 64, "the following arguments are required: COMMAND"),
        (["serve"], 64, "the following arguments are required: --state"),
        (["serve", "--state", "STATE"], 64, "say where to listen"),
        (["serve", "--state", "STATE", "--listen", "127.0.0.1:0"], 64, "--listen needs --key-file"),
        (["serve", "--state", "STATE", "--listen", "x", "--key-file", "KEY"], 1, "'x' is not HOST:PORT"),
        (["serve", "--state", "STATE", "--listen", ":0", "--key-file", "NONE"], 1, "No such file"),
        (["serve", "--state", "STATE", "--listen", ":0", "--key-file", "OPEN"], 1, "chmod 0640"),
        (["serve", "--state", "STATE", "--listen", ":0", "--key-file", "SHORT"], 1, "must hold 16 to"),
        (["serve", "--state", "KEY", "--unix", "SOCKET"], 1, "cannot use the state folder"),
        (["ocf", "Nothing", "start"], 64, "invalid choice"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    archive: Path, tmp_path: Path, options: list[str], exit_code: int, complaint: str
) -> None:
    files = {"KEY": (KEY, 0o600), "OPEN": (KEY, 0o644), "SHORT": (b"x", 0o600)}
    for name, (content, mode) in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)
    words = [str(tmp_path / word) if word.isupper() else word for word in options]
    result = subprocess.run(
        [sys.executable, "-I", "-S", str(archive), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (result.returncode, result.stdout) == (exit_code, "")
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_an_agent_without_standard_files_and_with_relative_paths_works(
    running: Agent, archive: Path, tmp_path: Path
) -> None:
    running.kill()
    command_ = f"cd {running.folder} && exec {sys.executable} -I -S {archive} serve --state state"
    closed = subprocess.Popen(["sh", "-c", f"{command_} --unix agent.sock --node guest1 <&- >&- 2>&-"])
    try:
        wait_until(lambda: is_connectable(running), "the agent listens")
        client = running.connect()
        client.add("d1")
        assert client.run("d1", "start", {"ledger": str(tmp_path / "ledger")}).exec_rc == 0
        assert "<resource-agent" in client.run("d1", "meta-data").output
    finally:
        closed.terminate()
        closed.wait(PATIENCE_S)


def is_connectable(one: Agent) -> bool:
    try:
        one.connect("").close()
    except OSError:
        return False
    return True


def test_two_agents_do_not_share_a_state_folder(running: Agent, archive: Path) -> None:
    command_ = [sys.executable, "-I", "-S", str(archive), "serve", "--state", str(running.state)]
    result = subprocess.run(
        [*command_, "--unix", str(running.folder / "other.sock")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 1
    assert "another agent uses the state folder" in result.stderr


@pytest.mark.parametrize(
    ("address", "want"),
    [
        ("127.0.0.1:3121", ("127.0.0.1", 3121)),
        ("[::1]:3121", ("::1", 3121)),
        (":3121", ("", 3121)),
        ("*:3121", ("", 3121)),
        ("host.example:0", ("host.example", 0)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, want: tuple[str, int]) -> None:
    assert split_address(address) == want


def test_version_and_help_are_told(archive: Path) -> None:
    def output(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(archive), *words], capture_output=True, text=True, check=True
        ).stdout

    assert output("version") == f"{VERSION}\n"
    assert "examples:" in output("serve", "--help")
    assert '<resource-agent name="Dummy"' in output("ocf", "Dummy", "meta-data")
