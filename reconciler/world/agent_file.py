"""Builds the one file that our agent ships as, from the installed package `agent`; it must not import that package.

Wiring: `build_agent_file(state / "agent")` once at the start of the controller; the path it returns is what guests are
started with. Files of earlier versions stay in the folder, because guests that were started from them still read them.
"""

import hashlib
import io
import marshal
import zipfile
from importlib.util import MAGIC_NUMBER, find_spec, source_hash
from pathlib import Path

from reconciler.model.errors import HypervisorError
from reconciler.world.atomic_file import write_atomically

_ENTRY = b"from agent.__main__ import main\n\nraise SystemExit(main())\n"
# The earliest time that a zip file can hold: the same package gives the same bytes, whenever it was installed.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_MODE_IN_ZIP = 0o100644 << 16
_MAX_BYTES = 16 * 1024 * 1024


def build_agent_file(folder: Path) -> Path:
    """Return `agent-HASH.pyz` in the folder, made now unless it is there already.

    The file starts with ``python3 -I -S FILE``. HASH names the content, so a guest can tell whether its agent is the
    one that this controller would start. It holds no secret and is readable for all.

    Args:
        folder: made when it is missing.

    Raises:
        HypervisorError: the package is not installed as files, or the folder cannot be written.
    """
    content = pack_agent(_package_folder())
    path = folder / f"agent-{hashlib.sha256(content).hexdigest()[:16]}.pyz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _has_content(path, content):
            write_atomically(path, content, 0o644)
    except OSError as error:
        raise HypervisorError(f"the agent's file cannot be written: {error}") from error
    return path


def pack_agent(package: Path) -> bytes:
    """Return the zip file of a package folder named `agent`, with the same bytes for the same files.

    It is compressed, for the sake of machines: Linux takes a file from QEMU's fw_cfg byte by byte, and for each page
    begins anew (drivers/firmware/qemu_fw_cfg.c, fw_cfg_read_blob), so that the time grows with the square of the size:
    twenty seconds, and not three, under emulation. Another version of zlib may make other bytes, and so another file.
    Beside each source stands its compiled form for this Python, which others pass over: compiling takes half of a
    start.
    """
    members = {"__main__.py": _ENTRY}
    for path in package.rglob("*"):
        relative = path.relative_to(package)
        if not path.is_file() or "__pycache__" in relative.parts:
            continue
        name, content = f"agent/{relative.as_posix()}", path.read_bytes()
        members[name] = content
        if path.suffix == ".py":
            members[f"{name}c"] = _compiled(name, content)
    if sum(map(len, members.values())) > _MAX_BYTES:
        raise HypervisorError(f"the agent's package in {package} is larger than {_MAX_BYTES} bytes")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.external_attr = _MODE_IN_ZIP
            archive.writestr(entry, members[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _compiled(name: str, source: bytes) -> bytes:
    """Return the .pyc of a source (PEP 552): found by its hash, which nobody checks again.

    The marshal format 2 has no references between objects, so the same code gives the same bytes.
    """
    code = compile(source, name, "exec", dont_inherit=True)
    flags = (1).to_bytes(4, "little")
    return MAGIC_NUMBER + flags + source_hash(source) + marshal.dumps(code, 2)


def _package_folder() -> Path:
    spec = find_spec("agent")
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise HypervisorError("the package `agent` is not installed; install the reconciler again")
    return Path(spec.origin).parent


def _has_content(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False
