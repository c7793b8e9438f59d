"""The interop matrix: each controller drives each agent through one list of operations, and hears the same of each.

|                       | our agent | pacemaker_remoted 2.1.5 | pacemaker_remoted 3.0.0 |
|-----------------------|-----------|-------------------------|-------------------------|
| our controller        | yes       | yes                     | yes                     |
| stock Pacemaker 2.1.5 | yes       | yes, the baseline       | yes                     |

What belongs to one controller only is shown in test_stock_agents.py and test_pacemaker.py.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from reconciler.model.names import ResourceId
from reconciler.model.operation import OperationRequest, OperationResult
from tests.lab.lab_hosts import Lab, wait_for
from tests.lab.lab_images import Images
from tests.lab.lab_links import CONNECT_MS, DUMMY, KEY, a_link, begin
from tests.lab.lab_nodes import Node
from tests.lab.lab_pacemaker import (
    LOG,
    PATIENCE_S,
    Cluster,
    dummy_xml,
    make_cluster,
    remote_xml,
)
from tests.world.links.peer import Heard

STARTED = ("register ok", "FAKE probe not running", "FAKE start ok", "FAKE monitor ok")
FAILED = ("FAKE monitor not running",)
"""What it watches is taken away."""
RECOVERED = ("FAKE monitor cancelled", "FAKE stop ok", "FAKE start ok", "FAKE monitor ok")
CAME_BACK = ("register ok", "FAKE probe ok", "FAKE monitor ok")
"""The agent is killed and started."""
STOPPED = ("FAKE monitor cancelled", "FAKE stop ok")
UNKNOWN = ("NONE probe not installed",)
"""No such resource agent is there."""
TOO_LATE = ("LATE probe timed out",)
OPERATIONS = (*STARTED, *FAILED, *RECOVERED, *CAME_BACK, *STOPPED, *UNKNOWN, *TOO_LATE)

PROBE = OperationRequest(
    resource=ResourceId("FAKE"),
    agent=DUMMY,
    operation="monitor",
    timeout_ms=60_000,
    params={"state": "/run/FAKE.state"},
)
OUTCOMES = {(0, 0): "ok", (7, 0): "not running", (1, 2): "timed out", (5, 7): "not installed"}
"""By exit code and status of the execution."""
RESULT = re.compile(
    r"Result of (\w+) operation for (\S+) on (\S+): ([A-Za-z ]+?)(?: after \w+)?(?: \(.*\))? \|"
)
"""As Pacemaker's controller logs it (lib/pacemaker, log_executor_event)."""

agents = pytest.mark.parametrize("node", ["ours", "stock-2.1.5", "stock-3.0.0"], indirect=True)


@pytest.fixture(scope="module")
def cluster(lab: Lab, images: Images) -> Iterator[Cluster]:
    """One for all its cells: each has names of its own there."""
    with make_cluster(lab, images.cluster_root(), KEY) as made:
        yield made


@pytest.mark.slow
@agents
def test_our_controller_drives(node: Node) -> None:
    begin(node)

    async def limited() -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            return await drive(node)

    assert tuple(asyncio.run(limited())) == OPERATIONS


@pytest.mark.slow
@agents
def test_stock_pacemaker_drives(cluster: Cluster, node: Node, request: pytest.FixtureRequest) -> None:
    begin(node)
    cell = Cell(cluster, request.node.callspec.params["node"])
    state = node.root / f"run/{cell.own('FAKE')}.state"
    cluster.configure("resources", remote_xml(cell.remote, node.address))
    cell.add("FAKE", dummy_xml(cell.own("FAKE")))
    cell.until_heard(STARTED)
    state.unlink()
    cell.until_heard((*FAILED, *RECOVERED))
    node.kill()
    node.start()
    cell.until_heard(CAME_BACK)
    cluster.set_meta(cell.own("FAKE"), "target-role", "Stopped")
    cell.until_heard(STOPPED)
    cell.add("NONE", dummy_xml(cell.own("NONE")).replace('type="Dummy"', 'type="Nonsense"'))
    cell.until_heard(UNKNOWN)
    cell.add("LATE", slow_xml(cell.own("LATE")))
    cell.until_heard(TOO_LATE)
    cluster.set_meta(cell.remote, "target-role", "Stopped")
    cluster.until(lambda status: status.is_stopped(cell.remote), f"{cell.remote} let go")
    assert tuple(cell.heard()) == OPERATIONS


async def drive(node: Node) -> list[str]:
    """Do with our link what Pacemaker does by its configuration, and return what was heard."""
    said: list[str] = []
    heard = Heard()
    link = a_link(node, heard, KEY)

    def note(word: str, result: OperationResult) -> None:
        said.append(f"{result.resource} {word} {OUTCOMES[result.rc, result.status]}")

    async def register() -> None:
        await link.connect(CONNECT_MS)
        said.append("register ok")

    async def run(word: str, request: OperationRequest) -> None:
        operation = "monitor" if word == "probe" else word
        asked = replace(request, operation=operation, uid=f"{request.resource}-{len(said)}")
        note(word, await link.execute(asked))

    async def start() -> None:
        await run("start", PROBE)
        await watch()

    async def watch() -> None:
        note("monitor", await link.execute(replace(PROBE, interval_ms=500)))

    async def stop() -> None:
        await link.cancel(PROBE.resource, "monitor", 500)
        await link.close()
        assert (await link.connect(CONNECT_MS)).recurring == {}
        said.append("FAKE monitor cancelled")
        await run("stop", PROBE)

    await register()
    await run("probe", PROBE)
    await start()
    (node.root / "run/FAKE.state").unlink()
    await heard.on("result", 1)
    note("monitor", heard.results[0])
    await stop()
    await start()
    node.kill()
    await heard.on("lost", 1)
    node.start()
    await register()
    await run("probe", PROBE)
    await watch()
    await stop()
    await run("probe", replace(PROBE, resource=ResourceId("NONE"), agent=replace(DUMMY, type="Nonsense")))
    slow = {"state": "/run/LATE.state", "op_sleep": "60"}
    await run("probe", replace(PROBE, resource=ResourceId("LATE"), params=slow, timeout_ms=1000))
    await link.close()
    return said


class Cell:
    """One agent in the cluster, under names that no other cell has."""

    def __init__(self, cluster: Cluster, agent: str) -> None:
        self._cluster = cluster
        self._agent = agent
        self._seen = 0
        self.remote = self.own("remote")

    def own(self, name: str) -> str:
        """Return the cell's own name for something."""
        return f"{name}-{self._agent}"

    def add(self, name: str, xml: str) -> None:
        """Have a resource that may be, and is looked for, on this node only."""
        resource = self.own(name)
        words = f'rsc="{resource}" node="{self.remote}" score="INFINITY" resource-discovery="exclusive"'
        constraints = f'<constraints><rsc_location id="{resource}-here" {words}/></constraints>'
        self._cluster.merge(f"<configuration><resources>{xml}</resources>{constraints}</configuration>")

    def heard(self) -> Sequence[str]:
        """List what the cluster's controller heard from this node, in order."""
        lines = RESULT.findall((self._cluster.root / LOG).read_text(errors="replace"))
        return [said for line in lines if (said := self._said(*line))]

    def until_heard(self, what: Sequence[str]) -> None:
        """Wait until that is heard, after all that was waited for before."""
        self._seen += len(what)
        try:
            wait_for(lambda: len(self.heard()) >= self._seen, str(what), PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; heard {self.heard()}") from None
        assert tuple(self.heard()[self._seen - len(what) :]) == tuple(what)

    def _said(self, operation: str, resource: str, node: str, outcome: str) -> str:
        if (resource, operation) == (self.remote, "start"):
            return f"register {outcome}"
        name = resource.removesuffix(f"-{self._agent}")
        return f"{name} {operation} {outcome.lower()}" if node == self.remote else ""


def slow_xml(name: str) -> str:
    """A resource that takes longer to be probed than is allowed; nothing is done about it."""
    attributes = (
        f'<instance_attributes id="{name}-slow"><nvpair id="{name}-sleep" name="op_sleep" value="60"/>'
    )
    meta = f'<meta_attributes id="{name}-meta"><nvpair id="{name}-managed" name="is-managed" value="false"/>'
    return f"""\
<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">
  {attributes}</instance_attributes>
  {meta}</meta_attributes>
  <operations><op id="{name}-probe" name="monitor" interval="0" timeout="1s"/></operations>
</primitive>"""
