"""Stock Pacemaker 2.1.5 drives our agent, as a remote node and as a guest node; its own agents are the baseline."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab_hosts import SUBNET, Lab, wait_for
from tests.lab.lab_images import Images
from tests.lab.lab_nodes import Node
from tests.lab.lab_pacemaker import (
    HOST,
    PATIENCE_S,
    Cluster,
    Status,
    dummy_xml,
    make_cluster,
    remote_xml,
)

LONG_KEY = bytes(range(256)) * 16
SHORT_KEY = LONG_KEY[100:164]
GUEST_ADDRESS = f"{SUBNET}.130"


@pytest.fixture
def cluster(lab: Lab, images: Images) -> Iterator[Cluster]:
    with make_cluster(lab, images.cluster_root(), LONG_KEY) as made:
        yield made


@pytest.fixture
def remote(node: Node, cluster: Cluster) -> Node:
    """The node as the cluster's remote node `remote1`, online and with FAKE, which prefers it."""
    node.set_key(LONG_KEY)
    node.start()
    cluster.configure("resources", remote_xml("remote1", node.address))
    cluster.configure("resources", dummy_xml("FAKE"))
    cluster.configure("constraints", prefers_xml("FAKE", "remote1"))
    cluster.until(is_home, "FAKE on remote1")
    return node


def guest_xml(name: str, resource: str, configuration: str, hypervisor: str) -> str:
    return f"""\
<primitive id="{resource}" class="ocf" provider="heartbeat" type="VirtualDomain">
  <instance_attributes id="{resource}-attributes">
    <nvpair id="{resource}-config" name="config" value="{configuration}"/>
    <nvpair id="{resource}-hypervisor" name="hypervisor" value="{hypervisor}"/>
    <nvpair id="{resource}-force" name="force_stop" value="true"/>
  </instance_attributes>
  <meta_attributes id="{resource}-meta">
    <nvpair id="{resource}-node" name="remote-node" value="{name}"/>
    <nvpair id="{resource}-address" name="remote-addr" value="{GUEST_ADDRESS}"/>
  </meta_attributes>
  <operations>
    <op id="{resource}-monitor" name="monitor" interval="2s" timeout="60s"/>
    <op id="{resource}-start" name="start" interval="0" timeout="60s"/>
    <op id="{resource}-stop" name="stop" interval="0" timeout="60s"/>
  </operations>
</primitive>"""


def domain_xml(name: str, node: Node) -> str:
    """A container on a bridge, whose first program is the agent."""
    init, *arguments = node.command()
    words = "".join(f"<initarg>{word}</initarg>" for word in arguments)
    return f"""\
<domain type='lxc'>
  <name>{name}</name>
  <memory unit='MiB'>256</memory>
  <os><type>exe</type><init>{init}</init>{words}</os>
  <devices>
    <filesystem type='mount'><source dir='{node.overlay.root}'/><target dir='/'/></filesystem>
    <filesystem type='ram'><source usage='16' units='MiB'/><target dir='/run'/></filesystem>
    <interface type='bridge'>
      <mac address='02:00:00:00:01:30'/><source bridge='br0'/><ip address='{GUEST_ADDRESS}' prefix='24'/>
    </interface>
    <console type='pty'/>
  </devices>
</domain>
"""


def prefers_xml(resource: str, node: str) -> str:
    return f'<rsc_location id="{resource}-on-{node}" rsc="{resource}" node="{node}" score="INFINITY"/>'


def run(node: Node, *argv: str) -> str:
    """Run a program beside the node's agent, and return what it prints."""
    return subprocess.run(node.inside(*argv), check=True, capture_output=True, text=True).stdout


def is_home(status: Status) -> bool:
    return status.is_online("remote1") and status.place("FAKE") == "remote1"


def is_watched(status: Status) -> bool:
    return is_home(status) and status.is_monitored("FAKE", "remote1")


def has_fallen_back(status: Status) -> bool:
    return status.place("FAKE") == HOST


@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-2.1.5"], indirect=True)
def test_a_remote_node_lives_through_all_changes(cluster: Cluster, remote: Node) -> None:
    here, elsewhere = remote.root / "run/FAKE.state", cluster.root / "run/FAKE.state"
    status = cluster.until(is_watched, "a monitor of FAKE")
    assert (status.kind("remote1"), here.exists(), elsewhere.exists()) == ("remote", True, False)

    # Programs beside the agent talk to the cluster through it, and know their own node by what the cluster calls it.
    assert run(remote, "attrd_updater", "-n", "rack", "-U", "r1") == ""
    told = 'name="rack" host="remote1" value="r1"\n'
    wait_for(lambda: run(remote, "attrd_updater", "-n", "rack", "-Q") == told, "the attribute", PATIENCE_S)
    assert "RemoteOnline: [ remote1 ]" in run(remote, "crm_mon", "-1")

    here.unlink()
    status = cluster.until(lambda s: s.fail_count("FAKE") == 1 and is_watched(s), "FAKE recovered")
    assert (status.failures("FAKE"), here.exists()) == (["monitor not running"], True)
    cluster.clean_up()
    cluster.until(
        lambda s: not s.failures("FAKE") and not s.fail_count("FAKE") and is_watched(s), "no failures"
    )

    cluster.set_standby("remote1", is_on=True)
    cluster.until(has_fallen_back, "remote1 drained")
    assert (here.exists(), elsewhere.exists()) == (False, True)
    cluster.set_standby("remote1", is_on=False)
    cluster.until(is_watched, "FAKE back")
    assert (here.exists(), elsewhere.exists()) == (True, False)

    cluster.set_meta("FAKE", "target-role", "Stopped")
    cluster.until(lambda s: s.is_stopped("FAKE"), "FAKE stopped")
    assert (here.exists(), elsewhere.exists()) == (False, False)
    cluster.set_meta("FAKE", "target-role", "Started")
    cluster.until(is_watched, "FAKE started")

    cluster.set_meta("remote1", "target-role", "Stopped")
    status = cluster.until(lambda s: s.is_stopped("remote1") and has_fallen_back(s), "remote1 gone")
    assert (here.exists(), status.failures("FAKE"), status.failures("remote1")) == (False, [], [])


@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-2.1.5"], indirect=True)
def test_a_killed_agent_comes_back_and_a_wrong_key_is_refused(cluster: Cluster, remote: Node) -> None:
    state = remote.root / "run/FAKE.state"
    cluster.configure(
        "constraints", f'<rsc_location id="not-here" rsc="FAKE" node="{HOST}" score="-INFINITY"/>'
    )
    # What the cluster shows may be some moments old: FAKE may be on its way here from the host yet.
    cluster.until(lambda s: is_watched(s) and state.exists(), "a monitor of FAKE")
    began = state.stat().st_mtime_ns
    remote.kill()
    cluster.until(lambda s: not s.is_online("remote1"), "remote1 lost")
    remote.start()
    status = cluster.until(is_watched, "remote1 back")
    assert status.failures("remote1") == ["monitor error"]
    assert state.stat().st_mtime_ns == began, "FAKE was started again"

    state.unlink()
    cluster.until(lambda s: s.fail_count("FAKE") == 1 and is_watched(s), "FAKE recovered")
    assert state.exists()

    remote.kill()
    remote.set_key(LONG_KEY[::-1])
    remote.start()
    status = cluster.until(lambda s: "start invalid parameter" in s.failures("remote1"), "a refusal")
    assert not status.is_online("remote1")
    remote.kill()
    remote.set_key(LONG_KEY)
    remote.start()
    cluster.clean_up()
    cluster.until(lambda s: is_watched(s) and not s.failures("remote1"), "remote1 back")


# Stock 2.1.5 is left out: it ends as soon as it has asked to be drained (fixed in 2.1.6 by d8e08729ad).
@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-3.0.0"], indirect=True)
def test_an_agent_that_is_told_to_end_is_drained_first(cluster: Cluster, remote: Node) -> None:
    here = remote.root / "run/FAKE.state"
    cluster.until(is_watched, "a monitor of FAKE")
    remote.stop()
    status = cluster.until(lambda s: s.is_stopped("remote1") and has_fallen_back(s), "remote1 drained")
    wait_for(lambda: not remote.pids(), "the agent's end", PATIENCE_S)
    assert (here.exists(), status.failures("FAKE"), status.failures("remote1")) == (False, [], [])

    remote.start()
    cluster.refresh(
        "remote1"
    )  # Pacemaker does not try by itself before its next recheck, a quarter of an hour
    cluster.until(is_watched, "FAKE back")


@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-2.1.5"], indirect=True)
def test_a_guest_node_lives_dies_and_is_taken_away(lab: Lab, images: Images, node: Node) -> None:
    node.set_key(SHORT_KEY)
    with make_cluster(lab, images.cluster_root(), SHORT_KEY) as cluster:
        (cluster.root / "etc/vm-guest1.xml").write_text(domain_xml("vm-guest1", node))
        guest = guest_xml("remote1", "vm-guest1", "/etc/vm-guest1.xml", lab["a"].lxc_uri)
        cluster.configure("resources", guest)
        cluster.configure("resources", dummy_xml("FAKE"))
        cluster.configure("constraints", prefers_xml("FAKE", "remote1"))
        status = cluster.until(is_watched, "FAKE in the guest")
        (first,) = node.pids()
        state = Path(f"/proc/{first}/root/run/FAKE.state")
        assert (status.kind("remote1"), status.place("vm-guest1"), state.exists()) == ("guest", HOST, True)

        state.unlink()
        cluster.until(lambda s: s.fail_count("FAKE") == 1 and is_watched(s), "FAKE recovered")
        cluster.clean_up()
        cluster.until(lambda s: not s.failures("FAKE") and is_watched(s), "no failures")

        node.kill()  # the first program of the container, which ends with it
        cluster.until(lambda s: node.pids() not in ([], [first]) and is_watched(s), "the guest again")

        cluster.set_meta("vm-guest1", "target-role", "Stopped")
        status = cluster.until(lambda s: s.is_stopped("vm-guest1") and has_fallen_back(s), "the guest gone")
        assert (list(node.pids()), status.failures("FAKE")) == ([], [])
