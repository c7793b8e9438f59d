"""The first run of somebody who has a bare Debian 12 and a clone: `make demo`, and what it says is missing.

The clone is of what is committed, as a user's is.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab_chroot import Overlay
from tests.lab.lab_hosts import children, wait_for
from tests.lab.lab_images import Images

REPOSITORY = Path(__file__).parents[2]
USER = 1000
LIMIT_S = 600.0
"""For an installation over a slow network; it takes a quarter of a minute."""

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
# As the first program it collects what ended, of which a controller's children would be left otherwise.
_FIRST = "sleep infinity & wait"


class BareDebian:
    """A Debian with processes of its own, and this machine's network."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.root = Path(f"/proc/{first}/root")
        (self.root / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
        # Beside Debian's own, which an installation writes anew: this machine's way to registries may need more.
        (self.root / "srv/certificates").write_text(_CERTIFICATES.read_text())

    def run(self, command: str, user: int = 0, folder: str = "/") -> "subprocess.CompletedProcess[str]":
        """Run a line of shell there."""
        home = f"/home/{user}" if user else "/root"
        environment = {name: value for name in _PASSED_ON if (value := os.environ.get(name))} | {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "DEBIAN_FRONTEND": "noninteractive",
            "PIP_CERT": "/srv/certificates",
        }
        enter = [
            "nsenter",
            f"--target={self._first}",
            "--mount",
            "--pid",
            "--root",
            f"--wd={self.root}{folder}",
        ]
        who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return subprocess.run(
            [*enter, *who, "sh", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def install(self, command: str) -> None:
        done = self.run(command)
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self, target: str) -> "subprocess.CompletedProcess[str]":
        """Run make in the clone as an ordinary user."""
        return self.run(f"make {target}", USER, "/home/1000/reconciler")


@pytest.fixture
def debian(images: Images, tmp_path: Path) -> Iterator[BareDebian]:
    """A bare Debian with a user and this repository's clone; all that runs in it ends with the test."""
    overlay = Overlay(images.bare_root(), tmp_path / "debian")
    overlay.make()
    with subprocess.Popen(overlay.alone("sh", "-c", _FIRST), stdin=subprocess.DEVNULL) as outer:
        try:
            wait_for(lambda: is_up(outer.pid), "the first program")
            made = BareDebian(children(outer.pid)[0])
            made.install(f"useradd --create-home --home-dir /home/{USER} --uid {USER} user")
            subprocess.run(
                ["git", "clone", "-q", "--no-hardlinks", REPOSITORY, tmp_path / "clone"], check=True
            )
            shutil.copytree(tmp_path / "clone", made.root / f"home/{USER}/reconciler", symlinks=True)
            made.install(f"chown -R {USER}:{USER} /home/{USER}")
            yield made
        finally:
            outer.kill()


def is_up(outer: int) -> bool:
    """Whether the first program has its root and its own child."""
    found = children(outer)
    return bool(found) and [Path(f"/proc/{pid}/comm").read_text() for pid in children(found[0])] == [
        "sleep\n"
    ]


@pytest.mark.slow
def test_demo_names_what_is_missing_and_runs_once_that_is_installed(debian: BareDebian) -> None:
    assert debian.run("command -v git python3").stdout == ""

    refused = debian.make("demo")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "missing here: git, Python 3.11 or newer with venv" in refused.stderr
    commands = re.findall(r"^to install it, as root: (.*)$", refused.stderr, re.MULTILINE)
    assert commands == ["apt-get update && apt-get install -y git python3 python3-venv"]
    debian.install(commands[0])

    first = debian.make("demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.endswith("http://127.0.0.1:18080 says: hello from guest1\n")
    assert "started web on guest1" in first.stderr

    again = debian.make("demo")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert "Nothing to do" in again.stderr
    assert "starting" not in again.stderr

    stopped = debian.make("demo-stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert "stopped vm-guest1 on host1" in stopped.stderr
    check = "import urllib.request as u; u.urlopen('http://127.0.0.1:18080', timeout=10)"
    assert "Connection refused" in debian.run(f'python3 -c "{check}"').stderr
