"""Fixtures of the lab: real hosts, containers and machines. Needs root and Debian's packages; see _PROGRAMS.

Every test below this folder is marked `lab`. Where it cannot run it is skipped with the reason, or fails when the
variable CI is set: there, nothing may be left out.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.world.agent_file import build_agent_file
from tests.daemon.stage import Stage
from tests.lab.lab_chroot import Overlay
from tests.lab.lab_hosts import Lab, make_lab
from tests.lab.lab_images import CACHE, Images
from tests.lab.lab_nodes import Node, OurNode, StockNode
from tests.lab.lab_stage import destroy_all

_PROGRAMS = {
    "libvirtd": "libvirt-daemon-system",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "gcc": "gcc",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Show a line at once, although output is captured: builds take a while."""
    capture: Any = request.config.pluginmanager.get_plugin("capturemanager")

    def show(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\n{text}\n")

    return show


@pytest.fixture(scope="session", autouse=True)
def _machine_can_run_the_lab() -> None:
    reason = _missing()
    if reason is not None and os.environ.get("CI"):
        pytest.fail(f"the lab cannot run: {reason}")
    if reason is not None:
        pytest.skip(f"THE LAB DID NOT RUN: {reason}")


@pytest.fixture(scope="session")
def images(say: Callable[[str], None]) -> Images:
    """Images, built when they are first asked for and kept on this machine."""
    return Images(CACHE, say)


@pytest.fixture(scope="session")
def agent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's one file, as the controller delivers it."""
    return build_agent_file(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="module")
def lab(images: Images) -> Iterator[Lab]:  # noqa: ARG001 - takes note of the machine's own network first
    """Two hosts, `a` and `b`, switched on; the test's own thread is in the controller's network meanwhile."""
    with make_lab(["a", "b"]) as made, made.joined():
        yield made


@pytest.fixture
def stage(tmp_path: Path, lab: Lab) -> Iterator[Stage]:
    """A stage of the whole command in the controller's network; guests that it leaves are destroyed."""
    made = Stage(tmp_path / "stage")
    yield made
    made.end()
    destroy_all(lab)


@pytest.fixture
def node(request: pytest.FixtureRequest, lab: Lab, images: Images, agent_file: Path) -> Iterator[Node]:
    """A machine with the agent that the test's parameter names, which is not started; its files end with the lab."""
    folder = lab.folder / f"node-{len(list(lab.folder.glob('node-*')))}"
    image = images.stock_root_3_0() if request.param == "stock-3.0.0" else images.stock_root()
    overlay = Overlay(image, folder)
    made: Node = (
        OurNode(lab["a"], overlay, agent_file) if request.param == "ours" else StockNode(lab["a"], overlay)
    )
    made.make()
    yield made
    if made.pids():
        made.kill()


def _missing() -> str | None:
    if os.geteuid() != 0:
        return "it needs root"
    missing = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"apt-get install {' '.join(missing)}"
    return None
