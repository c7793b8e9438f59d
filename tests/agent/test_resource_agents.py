"""What may be executed, and what may not: the fence around the resource agents' folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from agent.ocf import dummy
from agent.resource_agents import (
    AgentError,
    Folders,
    ResourceAgent,
    check_names,
    check_parameters,
    find_program,
)
from agent.wire import ExecStatus, OcfExit

GOOD = ResourceAgent("ocf", "test", "Good")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folder = tmp_path / "ocf" / "resource.d" / "test"
    folder.mkdir(parents=True)
    (folder / "Good").write_text("#!/bin/sh\n", encoding="ascii")
    (folder / "Good").chmod(0o755)
    (tmp_path / "init.d").mkdir()
    return Folders(tmp_path / "ocf", tmp_path / "tmp", tmp_path / "init.d", tmp_path / "no-systemd")


def refusal(agent: ResourceAgent, folders: Folders) -> tuple[int, int]:
    with pytest.raises(AgentError) as caught:
        find_program(agent, folders)
    return caught.value.exec_rc, caught.value.op_status


NOT_THERE = (OcfExit.NOT_INSTALLED, ExecStatus.NOT_INSTALLED)
NOT_ALLOWED = (OcfExit.INSUFFICIENT_PRIVILEGE, ExecStatus.ERROR)


def test_a_file_below_the_folder_is_found(folders: Folders) -> None:
    assert find_program(GOOD, folders).path == folders.ocf_root / "resource.d" / "test" / "Good"


def test_where_some_are_allowed_all_others_are_refused(folders: Folders) -> None:
    narrow = folders._replace(allowed=("ocf:test:*", "lsb:w?b", "ocf:reconciler:Dum"))
    assert find_program(GOOD, narrow).path is not None
    refused = [
        ("ocf", "reconciler", "Dummy"),
        ("ocf", "tes", "t"),
        ("lsb", "", "web"),
        ("systemd", "", "ocf:test:x"),
    ]
    assert [refusal(ResourceAgent(*name), narrow) for name in refused] == [NOT_ALLOWED] * 4
    with pytest.raises(AgentError, match=r"this node allows ocf:test:\*, lsb:w\?b, ocf:reconciler:Dum only"):
        find_program(ResourceAgent("lsb", "", "web"), narrow)


def test_a_link_out_of_the_folder_is_refused(folders: Folders) -> None:
    (folders.ocf_root / "resource.d" / "test" / "Shell").symlink_to("/bin/sh")
    assert refusal(ResourceAgent("ocf", "test", "Shell"), folders) == NOT_ALLOWED
    (folders.ocf_root / "resource.d" / "bin").symlink_to("/bin")
    assert refusal(ResourceAgent("ocf", "bin", "sh"), folders) == NOT_ALLOWED


def test_a_link_within_the_folder_is_followed(folders: Folders) -> None:
    (folders.ocf_root / "resource.d" / "test" / "Alias").symlink_to("Good")
    assert find_program(ResourceAgent("ocf", "test", "Alias"), folders).path is not None


@pytest.mark.parametrize("entry", ["test/Good", "test", "."])
def test_what_others_may_write_is_refused(folders: Folders, entry: str) -> None:
    (folders.ocf_root / "resource.d" / entry).chmod(0o777)
    assert refusal(GOOD, folders) == NOT_ALLOWED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_others_is_refused(folders: Folders) -> None:
    os.chown(folders.ocf_root / "resource.d" / "test" / "Good", 65534, 65534)
    assert refusal(GOOD, folders) == NOT_ALLOWED


def test_what_is_no_program_is_refused(folders: Folders) -> None:
    (folders.ocf_root / "resource.d" / "test" / "Good").chmod(0o644)
    assert refusal(GOOD, folders) == NOT_ALLOWED
    (folders.ocf_root / "resource.d" / "test" / "Folder").mkdir()
    assert refusal(ResourceAgent("ocf", "test", "Folder"), folders) == NOT_ALLOWED


@pytest.mark.parametrize(
    "agent",
    [
        ResourceAgent("ocf", "test", "Missing"),
        ResourceAgent("ocf", "missing", "Good"),
        ResourceAgent("ocf", "reconciler", "Missing"),
        ResourceAgent("lsb", "", "missing"),
        ResourceAgent("service", "", "missing"),
    ],
    ids=str,
)
def test_what_is_not_there_is_not_installed(folders: Folders, agent: ResourceAgent) -> None:
    assert refusal(agent, folders) == NOT_THERE


def test_a_service_is_an_init_script_where_systemd_does_not_run(folders: Folders) -> None:
    script = folders.init_scripts / "cron"
    script.write_text("#!/bin/sh\n", encoding="ascii")
    script.chmod(0o755)
    assert find_program(ResourceAgent("service", "", "cron"), folders).path == script


def test_the_hash_is_that_of_the_file(folders: Folders) -> None:
    program = find_program(GOOD, folders)
    assert program.hash() == f"sha256:{hashlib.sha256(b'#!/bin/sh' + bytes([10])).hexdigest()}"
    bundled = find_program(ResourceAgent("ocf", "reconciler", "Dummy"), folders)
    source = Path(dummy.__file__).read_bytes()
    assert bundled.hash() == f"sha256:{hashlib.sha256(source).hexdigest()}"


@pytest.mark.parametrize(
    "type_name",
    ["", "../x", "a/b", ".x", "-x", "a..b", "a b", "a\n", "x" * 129, "é"],
)
def test_a_name_has_a_fixed_form(type_name: str) -> None:
    assert check_names("r1", ResourceAgent("ocf", "test", type_name))


def test_ordinary_names_are_allowed() -> None:
    assert check_names("web:0", ResourceAgent("ocf", "heartbeat", "IPaddr2")) == ""
    assert check_names("web", ResourceAgent("systemd", "", "getty@tty1.service")) == ""


def test_a_parameter_complaint_never_shows_the_value() -> None:
    assert check_parameters({"good": "x", "CRM_meta_timeout": "1", "9": "x"}) == ""
    assert "hunter2" not in check_parameters({"password": "hunter2\0"})
    assert check_parameters({"a=b": "x"})
