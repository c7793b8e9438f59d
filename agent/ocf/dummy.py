"""ocf:reconciler:Dummy: a resource that is a file, for tests and first runs; it can be slow, and can fail."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from agent.ocf.environment import (
    OcfError,
    duration_parameter,
    fail,
    instance,
    parameter,
    temporary_folder,
    write_ledger,
)
from agent.wire.names import OcfExit

_STARTED = "started"
_PROMOTED = "promoted"
_ROLES = {"promote": _PROMOTED, "demote": _STARTED}

META_DATA = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Dummy" version="1.0">
<version>1.1</version>
<longdesc lang="en">
A resource that is running while its state file exists. It serves tests and first runs: it can take its time
to start, can be made to fail, and can write down every start and stop.
</longdesc>
<shortdesc lang="en">A resource that is a file</shortdesc>
<parameters>
<parameter name="state" unique="1">
<longdesc lang="en">The file that exists while it runs. By default Dummy-ID.state in HA_RSCTMP.</longdesc>
<shortdesc lang="en">State file</shortdesc>
<content type="string"/>
</parameter>
<parameter name="delay" reloadable="1">
<longdesc lang="en">How long a start takes, for instance 5s.</longdesc>
<shortdesc lang="en">Time that a start takes</shortdesc>
<content type="string" default="0s"/>
</parameter>
<parameter name="ledger">
<longdesc lang="en">
A file to which every start, stop, change of role and reload that changes something appends one line, and every notice.
</longdesc>
<shortdesc lang="en">Record of what was done</shortdesc>
<content type="string"/>
</parameter>
<parameter name="fail" reloadable="1">
<longdesc lang="en">
A file that makes actions fail while it exists: each of its lines is an action, an exit code and a reason, for
instance "monitor 1 the disk is on fire".
</longdesc>
<shortdesc lang="en">Failures to inject</shortdesc>
<content type="string"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="promote" timeout="20s"/>
<action name="demote" timeout="20s"/>
<action name="migrate_to" timeout="20s"/>
<action name="migrate_from" timeout="20s"/>
<action name="reload-agent" timeout="20s"/>
<action name="notify" timeout="20s"/>
<action name="validate-all" timeout="20s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"""


def run(action: str) -> int:
    """Carry out `action` with the parameters of the environment; returns an OCF exit code."""
    if action == "meta-data":
        print(META_DATA, end="")  # noqa: T201 - OCF: on stdout
        return int(OcfExit.OK)
    try:
        _fail_on_order(action)
        return int(_act(action))
    except OcfError as error:
        return fail(error)
    except OSError as error:
        return fail(OcfError(OcfExit.ERROR, f"{error.filename}: {error.strerror}"))


def _act(action: str) -> OcfExit:
    if action in ("start", "migrate_from"):
        return _start(action)
    if action in ("stop", "migrate_to"):
        return _stop(action)
    if action in ("monitor", "status"):
        return _monitor()
    if action in _ROLES:
        return _change_role(action)
    if action == "validate-all":
        duration_parameter("delay", "0s")
        return OcfExit.OK
    if action == "reload-agent":
        return _reload()
    if action == "notify":
        write_ledger(f"{parameter('CRM_meta_notify_type')}-{parameter('CRM_meta_notify_operation')}")
        return OcfExit.OK
    return OcfExit.UNIMPLEMENTED


def _start(action: str) -> OcfExit:
    if _role():
        return OcfExit.OK
    time.sleep(duration_parameter("delay", "0s"))
    # In this order, so that a resource that was seen running has always been written down.
    write_ledger(action)
    _write_role(_STARTED)
    return OcfExit.OK


def _stop(action: str) -> OcfExit:
    if _role():
        _state_file().unlink()
        write_ledger(action)
    return OcfExit.OK


def _monitor() -> OcfExit:
    role = _role()
    if not role:
        return OcfExit.NOT_RUNNING
    return OcfExit.RUNNING_PROMOTED if role == _PROMOTED else OcfExit.OK


def _change_role(action: str) -> OcfExit:
    before = _role()
    if not before:
        return OcfExit.NOT_RUNNING
    if before != _ROLES[action]:
        write_ledger(action)
        _write_role(_ROLES[action])
    return OcfExit.OK


def _reload() -> OcfExit:
    """Take up what the parameters are now; there is nothing to do but to say so, for each action reads its own."""
    if not _role():
        return OcfExit.NOT_RUNNING
    duration_parameter("delay", "0s")
    write_ledger("reload-agent")
    return OcfExit.OK


def _role() -> str:
    """Read the role; empty when the resource does not run."""
    with contextlib.suppress(FileNotFoundError):
        return _state_file().read_text(encoding="utf-8").strip() or _STARTED
    return ""


def _write_role(role: str) -> None:
    state = _state_file()
    written = state.with_name(f"{state.name}.{os.getpid()}")
    written.write_text(role + "\n", encoding="utf-8")
    written.replace(state)


def _state_file() -> Path:
    named = parameter("state")
    return Path(named) if named else Path(temporary_folder(), f"Dummy-{instance()}.state")


def _fail_on_order(action: str) -> None:
    """Fail if the file that `fail` names says so for this action."""
    path = parameter("fail")
    if not path:
        return
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        words = line.split(None, 2)
        if len(words) >= 2 and words[0] == action and words[1].isdigit():
            reason = words[2] if len(words) > 2 else f"{action} fails on order"
            raise OcfError(OcfExit(int(words[1])), reason)
