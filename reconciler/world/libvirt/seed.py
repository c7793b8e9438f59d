"""Makes the NoCloud image that cloud-init configures a machine from; it must not hold keys, which go by fw_cfg.

cloud-init looks for a disk with the label `cidata` (docs.cloud-init.io, "NoCloud"); an ISO image of it is made with
whichever of three tools is installed.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.errors import HypervisorError

META_DATA = "meta-data"
"""The file without which cloud-init does not take a disk for a seed."""

_LABEL = "cidata"
_TIMEOUT_S = 30
_TOOLS = (("xorriso", "-as", "mkisofs"), ("genisoimage",), ("mkisofs",))


def make_seed(files: Mapping[str, str], guest_uuid: str, name: str) -> bytes:
    """Return an ISO image with the given files.

    Args:
        files: text by name; without `meta-data`, one is made.
        guest_uuid: the instance id that tells cloud-init whether it has configured this machine before.
        name: the host name in meta-data that is made.

    Raises:
        HypervisorError: no tool is installed, or it failed.
    """
    tool = next((words for words in _TOOLS if shutil.which(words[0])), None)
    if tool is None:
        raise HypervisorError("a seed needs xorriso or genisoimage; install Debian's package xorriso")
    content = {META_DATA: f"instance-id: {guest_uuid}\nlocal-hostname: {name}\n", **files}
    with tempfile.TemporaryDirectory(prefix="reconciler-seed-") as temporary:
        folder, image = Path(temporary, "files"), Path(temporary, "seed.img")
        folder.mkdir()
        for file, text in sorted(content.items()):
            (folder / Path(file).name).write_text(text, encoding="utf-8")
        command = [*tool, "-quiet", "-output", image, "-volid", _LABEL, "-joliet", "-rock", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise HypervisorError(f"{tool[0]} cannot make the seed of {name}: {error}") from error
        return image.read_bytes()
