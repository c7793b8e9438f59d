"""What the bundled resource agents share: their parameters, their exit reasons, the ledger.

Must import little: it is loaded for every monitor of a bundled resource agent.
"""

from __future__ import annotations

import os
import sys
import time

from agent.wire.names import OcfExit

DEFAULT_TEMPORARY = "/run/resource-agents"
"""Where state lies when the environment does not say (resource-agents, ocf-directories, HA_RSCTMP)."""


class OcfError(Exception):
    """An action failed: `exit_code` is what the resource agent exits with, the text its exit reason."""

    def __init__(self, exit_code: OcfExit, reason: str) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def parameter(name: str, default: str = "") -> str:
    """Return a parameter of the resource; an empty one counts as not given."""
    return os.environ.get(f"OCF_RESKEY_{name}", "") or default


def duration_parameter(name: str, default: str) -> float:
    """Return a parameter in seconds; `5`, `5s`, `500ms`, `2m` and `1h` are durations.

    Raises:
        OcfError: it is none.
    """
    text = parameter(name, default).strip()
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)):
        if text.endswith(suffix):
            try:
                duration_s = float(text[: len(text) - len(suffix)]) * factor
            except ValueError:
                break
            if 0 <= duration_s < 1e9:
                return duration_s
            break
    raise OcfError(OcfExit.NOT_CONFIGURED, f"{name} is not a duration: {text!r} (write 5s, 500ms or 2m)")


def instance() -> str:
    """Return the resource's id."""
    return os.environ.get("OCF_RESOURCE_INSTANCE", "default")


def temporary_folder() -> str:
    """Return the folder for state that must not outlive the boot, and make it if it is not there."""
    folder = os.environ.get("HA_RSCTMP", "") or DEFAULT_TEMPORARY
    os.makedirs(folder, mode=0o755, exist_ok=True)  # noqa: PTH103 - loaded for every monitor
    return folder


def write_ledger(action: str) -> None:
    """Append one line to the file that the parameter `ledger` names: time, pid, action, instance, node.

    One write with O_APPEND, so that lines of several processes never mix: the ledger is what proves that a
    resource was started once.

    Raises:
        OcfError: the file cannot be written. An unrecorded start would defeat the ledger's purpose.
    """
    path = parameter("ledger")
    if not path:
        return
    node = os.environ.get("RECONCILER_NODE", "") or parameter("CRM_meta_on_node", "-")
    line = f"{time.time():.6f} {os.getpid()} {action} {instance()} {node}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OcfError(OcfExit.ERROR, f"cannot write the ledger {path}: {error.strerror}") from error


def fail(error: OcfError) -> int:
    """Report an error as OCF wants it, and return the exit code."""
    prefix = os.environ.get("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:")
    sys.stderr.write(f"{prefix}{error}\n")
    return int(error.exit_code)
