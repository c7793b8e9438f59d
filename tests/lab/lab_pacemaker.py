"""A stock cluster of one node, Pacemaker with corosync, in the controller's network of the lab.

It has processes, mounts and a file system of its own, and ends as a whole with the program that starts it.
"""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.lab_chroot import Overlay
from tests.lab.lab_hosts import Lab, children, wait_for

HOST = "host1"
"""The name of the cluster's node."""
KEY_FILE = "etc/pacemaker/authkey"
LOG = "var/log/pacemaker.log"
"""Both below the root."""
PATIENCE_S = 180.0
"""For anything to come true in a cluster on a busy machine; nothing waits that long otherwise."""

_COROSYNC = f"""\
totem {{
  version: 2
  cluster_name: lab
  transport: knet
  crypto_cipher: none
  crypto_hash: none
}}
nodelist {{
  node {{
    ring0_addr: 127.0.0.1
    name: {HOST}
    nodeid: 1
  }}
}}
quorum {{
  provider: corosync_votequorum
  expected_votes: 1
}}
logging {{
  to_stderr: yes
  to_syslog: no
}}
"""
# Without dc-deadtime the first election takes twenty seconds.
_CIB = """\
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">
  <configuration>
    <crm_config><cluster_property_set id="options">
      <nvpair id="dc-deadtime" name="dc-deadtime" value="1s"/>
      <nvpair id="no-quorum-policy" name="no-quorum-policy" value="ignore"/>
      <nvpair id="stonith-enabled" name="stonith-enabled" value="false"/>
    </cluster_property_set></crm_config>
    <nodes/><resources/><constraints/>
  </configuration>
  <status/>
</cib>
"""
_BOOT = f"""\
corosync -f &
until corosync-cfgtool -s >/dev/null 2>&1; do sleep 0.1; done
export PCMK_node_name={HOST} PCMK_logfile=/{LOG}
pacemakerd &
wait
"""


class Cluster:
    """The running cluster, as its administrator sees it."""

    def __init__(self, leader: int) -> None:
        self.root = Path(f"/proc/{leader}/root")
        self._leader = leader

    def run(self, *argv: str) -> str:
        """Run a program on the cluster's node, and return what it says.

        Raises:
            AssertionError: it failed.
        """
        done = self._run(argv)
        assert done.returncode == 0, f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def configure(self, scope: str, xml: str) -> None:
        """Add an element to a section of the configuration."""
        self.run("cibadmin", "--create", "--scope", scope, "--xml-text", xml)

    def merge(self, xml: str) -> None:
        """Add elements to several sections of the configuration at once."""
        self.run("cibadmin", "--modify", "--allow-create", "--scope", "configuration", "--xml-text", xml)

    def set_meta(self, resource: str, name: str, value: str) -> None:
        """Set a meta attribute of a resource."""
        words = ["--meta", "--set-parameter", name, "--parameter-value", value]
        self.run("crm_resource", "--resource", resource, *words)

    def set_standby(self, node: str, is_on: bool) -> None:
        """Ask that nothing runs on a node, or that something may again."""
        value = "on" if is_on else "off"
        self.run("crm_attribute", "--node", node, "--name", "standby", "--update", value)

    def clean_up(self) -> None:
        """Have all failures forgotten."""
        self.run("crm_resource", "--cleanup")

    def refresh(self, resource: str) -> None:
        """Have all that is known of a resource forgotten, and asked again."""
        self.run("crm_resource", "--refresh", "--resource", resource)

    def status(self) -> "Status":
        """Return what crm_mon shows; nothing while the cluster is not there."""
        done = self._run(["crm_mon", "--output-as=xml", "--inactive", "--failcounts"])
        return Status(ET.fromstring(done.stdout) if done.returncode == 0 else ET.Element("none"))

    def until(self, is_so: Callable[["Status"], bool], what: str, limit_s: float = PATIENCE_S) -> "Status":
        """Wait until the status is as wanted, and return it."""
        seen = [Status(ET.Element("none"))]

        def look() -> bool:
            seen[0] = self.status()
            return is_so(seen[0])

        try:
            wait_for(look, what, limit_s)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), seen[0].text(), *self._complaints()])) from None
        return seen[0]

    def _complaints(self) -> Sequence[str]:
        log = self.root / LOG
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line for line in lines if "warning" in line or "error" in line][-30:]

    def _run(self, argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        enter = [
            "nsenter",
            f"--target={self._leader}",
            "--mount",
            "--net",
            "--pid",
            "--ipc",
            "--root",
            "--wd=/",
        ]
        return subprocess.run(
            [*enter, *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


class Status:
    """What crm_mon shows."""

    def __init__(self, shown: ET.Element) -> None:
        self._shown = shown

    def is_online(self, node: str) -> bool:
        """Tell whether a node is online, and known to be well."""
        found = self._shown.find(f"nodes/node[@name='{node}']")
        return found is not None and (found.get("online"), found.get("unclean")) == ("true", "false")

    def kind(self, node: str) -> str:
        """Return what kind of node it is: member or remote; a guest is a remote that names its resource."""
        found = self._shown.find(f"nodes/node[@name='{node}']")
        assert found is not None, f"no node {node}"
        return "guest" if found.get("id_as_resource") else found.get("type", "")

    def has_controller(self) -> bool:
        """Tell whether somebody in the cluster decides."""
        found = self._shown.find("summary/current_dc")
        return found is not None and found.get("present") == "true"

    def place(self, resource: str) -> str:
        """Return the node where a resource is started and neither blocked nor failed; empty when there is none."""
        for found in self._shown.iterfind(f".//resource[@id='{resource}']"):
            if (found.get("role"), found.get("failed")) == ("Started", "false"):
                return ",".join(node.get("name", "") for node in found.iterfind("node"))
        return ""

    def is_stopped(self, resource: str) -> bool:
        """Tell whether a resource is known not to run."""
        found = self._shown.find(f".//resource[@id='{resource}']")
        return found is not None and (found.get("role"), found.find("node")) == ("Stopped", None)

    def is_monitored(self, resource: str, node: str) -> bool:
        """Tell whether the latest that is known of a resource's recurring monitor on a node is success."""
        path = f"node_history/node[@name='{node}']/resource_history[@id='{resource}']/operation_history"
        found = [entry for entry in self._shown.iterfind(path) if entry.get("interval") not in (None, "0ms")]
        return bool(found) and found[-1].get("rc") == "0"

    def failures(self, resource: str) -> "list[str]":
        """List a resource's failed operations, as OPERATION EXIT-REASON-OR-TEXT."""
        entries = self._shown.iterfind("failures/failure")
        return [
            f"{entry.get('task')} {entry.get('exitstatus')}"
            for entry in entries
            if entry.get("op_key", "").startswith(f"{resource}_")
        ]

    def fail_count(self, resource: str) -> int:
        """Return how often a resource has failed since it was cleaned up."""
        entries = self._shown.iterfind(f"node_history/node/resource_history[@id='{resource}']")
        return sum(int(entry.get("fail-count", "0").replace("INFINITY", "1000000")) for entry in entries)

    def text(self) -> str:
        """Return all of it, for a failed test."""
        return ET.tostring(self._shown, encoding="unicode")


@contextmanager
def make_cluster(lab: Lab, image: Path, key: bytes) -> Iterator[Cluster]:
    """Start a new cluster, wait until it decides, and end it and all that belongs to it."""
    overlay = Overlay(image, lab.folder / f"cluster-{len(lab.processes)}")
    overlay.make()
    overlay.prepare("etc/corosync/corosync.conf", _COROSYNC.encode())
    overlay.prepare("var/lib/pacemaker/cib/cib.xml", _CIB.encode())
    overlay.prepare(KEY_FILE, key)
    process = lab.start(overlay.alone("sh", "-c", _BOOT), overlay.folder / "daemons.log")
    try:
        wait_for(lambda: bool(children(process.pid)), "the cluster's first process")
        cluster = Cluster(children(process.pid)[0])
        cluster.until(lambda s: s.is_online(HOST) and s.has_controller(), "a cluster that decides")
        yield cluster
    finally:
        process.kill()
        process.wait()


def remote_xml(name: str, address: str) -> str:
    """Return a remote node, with an agent at an address."""
    return f"""\
<primitive id="{name}" class="ocf" provider="pacemaker" type="remote">
  <instance_attributes id="{name}-attributes">
    <nvpair id="{name}-server" name="server" value="{address}"/>
  </instance_attributes>
  <operations>
    <op id="{name}-monitor" name="monitor" interval="2s" timeout="30s"/>
    <op id="{name}-start" name="start" interval="0" timeout="60s"/>
  </operations>
</primitive>"""


def dummy_xml(name: str) -> str:
    """Return a resource with a state file of its own, watched each second."""
    return f"""\
<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">
  <instance_attributes id="{name}-attributes">
    <nvpair id="{name}-state" name="state" value="/run/{name}.state"/>
  </instance_attributes>
  <operations><op id="{name}-monitor" name="monitor" interval="1s" timeout="60s"/></operations>
</primitive>"""
