"""The resource agents that come with the agent: `ocf:reconciler:TYPE`.

Each type is one module with a `run(action) -> exit code` that reads OCF_RESKEY_ variables from the
environment. They must not import anything of the agent's server side: they run in processes of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULES = {"Dummy": "dummy", "Process": "process"}


def types() -> tuple[str, ...]:
    """List the bundled types."""
    return tuple(sorted(_MODULES))


def find(type_name: str) -> Callable[[str], int] | None:
    """Find the function of a bundled type; None when there is no such type."""
    if type_name == "Dummy":
        from agent.ocf import dummy  # noqa: PLC0415 - loaded when first used

        return dummy.run
    if type_name == "Process":
        from agent.ocf import process  # noqa: PLC0415 - loaded when first used

        return process.run
    return None


def source_path(type_name: str) -> Path:
    """Name the source file of a bundled type; it may lie inside a zip file."""
    return Path(__file__).with_name(f"{_MODULES[type_name]}.py")


def read_source(path: Path) -> bytes:
    """Read a source file of this package, out of a zip file if need be.

    Raises:
        OSError: there is no such file.
    """
    get_content = getattr(__spec__.loader, "get_data", None)
    if get_content is None:
        return path.read_bytes()
    content = get_content(str(path))
    assert isinstance(content, bytes)
    return content
