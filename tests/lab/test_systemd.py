"""Units of a real systemd as resources of our own agent, which is itself a unit there, by the file that we ship.

systemd is asked over its bus, as nearly everywhere; and by systemctl where there is none.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.stage import TIMEOUT_S, Stage, Status, both, host_yaml, is_node, is_started
from tests.lab.lab_hosts import SUBNET, Lab, LabHost, wait_for
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_stage import failures, lab_host_yaml

AGENT_UNIT = Path(__file__).parents[2] / "examples/systemd/reconciler-agent.service"
LEDGER = "/var/tmp/ledger"
GATE = "/var/tmp/gate"

WEB = f"""\
[Service]
ExecStartPre=/bin/sh -c 'echo start web >> {LEDGER}'
ExecStart=/bin/sleep infinity
ExecStopPost=/bin/sh -c 'echo stop web >> {LEDGER}'
"""
# Neither its preparation nor its program is ready before the gate is open; systemd waits for both.
SLOW = f"""\
[Service]
Type=notify
NotifyAccess=all
ExecStartPre=/bin/sh -c 'echo prepare slow >> {LEDGER}; until [ -e {GATE}1 ]; do sleep 0.1; done'
ExecStart=/bin/sh -c 'echo start slow >> {LEDGER}; until [ -e {GATE}2 ]; do sleep 0.1; done; \\
    systemd-notify --ready; exec sleep infinity'
"""
BROKEN = """\
[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'systemd-notify --status="no disk at /srv"; exit 3'
"""


@pytest.fixture
def root(images: Images, tmp_path: Path) -> Path:
    """A Debian with systemd, set up as by hand: our agent's unit, its key where that looks, and units to run."""
    made = copy_root(images.systemd_root(), tmp_path / "root")
    units = made / "etc/systemd/system"
    for name, text in {
        "reconciler-agent": AGENT_UNIT.read_text(),
        "web": WEB,
        "slow": SLOW,
        "broken": BROKEN,
    }.items():
        (units / f"{name}.service").write_text(text)
    (units / "masked.service").symlink_to("/dev/null")
    (units / "multi-user.target.wants/reconciler-agent.service").symlink_to("../reconciler-agent.service")
    (made / "etc/hostname").write_text("guest1\n")
    (made / "etc/reconciler").mkdir()
    (made / "etc/reconciler/authkey").symlink_to("/opt/reconciler/authkey")
    return made


def take_bus_from(root: Path) -> None:
    """Let a Debian with systemd start without a message bus."""
    for name in ("dbus.socket", "dbus.service"):
        (root / "etc/systemd/system" / name).symlink_to("/dev/null")


def guest_yaml(root: Path, number: int) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: lxc
  remoteNode: {{name: guest1, address: {SUBNET}.{number}, connectTimeout: 30s}}
  hardware: {{memory: 256Mi, rootfs: {root}, nics: [{{bridge: br0}}], init: [/sbin/init]}}
  placement: {{on: [a]}}
"""


def unit_yaml(name: str, unit: str) -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: {name}}}
spec:
  agent: "systemd:{unit}"
  op: {{monitor: {{interval: 1s, timeout: 60s}}, start: {{timeout: 60s}}, stop: {{timeout: 60s}}}}
  placement: {{on: [guest1]}}
"""


def is_init(pid: int) -> bool:
    """Tell whether a process is the first one of its pid namespace (proc_pid_status(5), NSpid)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in lines)


class Inside:
    """The guest as it is seen from outside."""

    def __init__(self, host: LabHost, root: Path) -> None:
        self._host = host
        self._root = root

    def init(self) -> int:
        """Return the process id of the guest's init; what it forks has its name too for a while."""
        wait_for(lambda: bool(self._inits()), f"an init on {self._host.name}")
        return max(self._inits())

    def _inits(self) -> list[int]:
        return [pid for pid in self._host.processes("systemd") if is_init(pid)]

    def run(self, *argv: str) -> str:
        words = ["nsenter", f"--target={self.init()}", "--all", *argv]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()

    def state(self, unit: str) -> str:
        return self.run("systemctl", "show", "--property=ActiveState", "--value", unit)

    def jobs(self) -> list[str]:
        """Return what systemd has to do; its first column is a number."""
        lines = self.run("systemctl", "list-jobs", "--no-legend").splitlines()
        return [" ".join(line.split()[1:]) for line in lines]

    def ledger(self) -> list[str]:
        file = self._root / LEDGER[1:]
        return file.read_text().splitlines() if file.exists() else []

    def open_gate(self, number: int) -> None:
        (self._root / f"{GATE}{number}"[1:]).touch()

    def agent(self) -> int:
        """Return the agent's process id there; 0 while there is none."""
        return int(self.run("systemctl", "show", "--property=MainPID", "--value", "reconciler-agent") or 0)

    def kill_agent(self) -> None:
        """Kill the agent, and nothing else, and wait until systemd has started another."""
        before = self.agent()
        self.kill("reconciler-agent", "--kill-whom=main")
        wait_for(lambda: self.agent() not in (0, before), "the next agent", TIMEOUT_S)

    def kill(self, unit: str, *options: str) -> None:
        self.run("systemctl", "kill", "--signal=KILL", *options, unit)


def until_log(stage: Stage, text: str) -> None:
    wait_for(lambda: text in stage.daemon_log.read_text(), text, TIMEOUT_S)


def is_pending(name: str) -> Callable[[Status], bool]:
    return lambda status: any(
        i["pending"] for r in status["resources"] if r["name"] == name for i in r["instances"]
    )


def is_unknown(name: str) -> Callable[[Status], bool]:
    return lambda status: any(r["name"] == name and r["role"] == "Unknown" for r in status["resources"])


def test_units_start_are_watched_recover_and_stop(stage: Stage, lab: Lab, root: Path) -> None:
    inside = Inside(lab["a"], root)
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    stage.commit(hosts=hosts, guest=guest_yaml(root, 130), web=unit_yaml("web", "web"))
    stage.start_daemon()
    stage.until(both(is_started("web", "guest1"), is_node("guest1", "online")))
    assert (inside.state("web"), inside.ledger()) == ("active", ["start web"])

    inside.kill("web")
    stage.until(lambda s: failures(s, "web") == 1 and is_started("web", "guest1")(s))
    assert (inside.state("web"), inside.ledger()) == ("active", ["start web", "stop web", "start web"])

    inside.kill_agent()
    until_log(stage, "lost guest1's agent")
    stage.until(both(is_started("web", "guest1"), is_node("guest1", "online")))
    inside.run("systemctl", "restart", "reconciler-agent")
    wait_for(lambda: stage.daemon_log.read_text().count("lost guest1's agent") == 2, "the restart", TIMEOUT_S)
    stage.until(both(is_started("web", "guest1"), is_node("guest1", "online")))
    assert inside.ledger() == ["start web", "stop web", "start web"]
    inside.kill("web")
    stage.until(lambda s: failures(s, "web") == 2 and is_started("web", "guest1")(s))
    assert inside.ledger() == ["start web", *["stop web", "start web"] * 2]

    inside.run("systemctl", "stop", "reconciler-agent")
    stage.until(both(is_node("guest1", "offline"), is_started("vm-guest1", "a")))
    assert (inside.state("web"), inside.ledger()[5:]) == ("inactive", ["stop web"])
    inside.run("systemctl", "start", "reconciler-agent")
    stage.until(both(is_started("web", "guest1"), is_node("guest1", "online")))

    (stage.repository / "web.yaml").unlink()
    stage.commit(hosts=hosts)
    stage.until(is_started("web"))
    assert (inside.state("web"), inside.ledger()[5:]) == ("inactive", ["stop web", "start web", "stop web"])
    assert inside.state("reconciler-agent") == "active"

    (stage.repository / "guest.yaml").unlink()
    stage.commit(hosts=hosts)
    stage.until(is_started("vm-guest1"))


@pytest.mark.parametrize("has_bus", [True, False])
def test_slow_start_is_awaited_also_by_the_next_agent(
    stage: Stage, lab: Lab, root: Path, has_bus: bool
) -> None:
    if not has_bus:
        take_bus_from(root)
    inside = Inside(lab["a"], root)
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    # Another guest gets another address: a neighbour is believed for half a minute.
    stage.commit(
        hosts=hosts, guest=guest_yaml(root, 131 if has_bus else 132), slow=unit_yaml("slow", "slow.service")
    )
    stage.start_daemon()
    wait_for(lambda: inside.ledger() == ["prepare slow"], "the unit's preparation", TIMEOUT_S)
    stage.until(is_pending("slow"))
    assert len(lab["a"].processes("systemctl")) == (0 if has_bus else 1), "who waits for the job"
    assert inside.jobs() == ["slow.service start running"]
    inside.open_gate(1)
    wait_for(lambda: inside.ledger() == ["prepare slow", "start slow"], "the unit's program", TIMEOUT_S)
    inside.kill_agent()
    stage.until(is_unknown("slow"))
    assert inside.state("slow") == "activating"
    inside.open_gate(2)
    status = stage.until(is_started("slow", "guest1"))
    assert (inside.state("slow"), failures(status, "slow")) == ("active", 0)
    assert inside.ledger() == ["prepare slow", "start slow"]


@pytest.mark.parametrize(
    ("has_bus", "says"),
    [
        (True, "systemd's start of broken.service ended as failed"),
        (False, "systemctl start broken.service exited with 1"),
    ],
)
def test_unit_that_cannot_be_started_says_why(
    stage: Stage, lab: Lab, root: Path, has_bus: bool, says: str
) -> None:
    if not has_bus:
        take_bus_from(root)
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    units = "".join(unit_yaml(name, name) for name in ("broken", "masked", "missing"))
    stage.commit(hosts=hosts, guest=guest_yaml(root, 133 if has_bus else 134), units=units)
    stage.start_daemon()
    tried = "failed 3 times on guest1, last start:"
    want: dict[str, tuple[list[str], str]] = {
        "broken": ([], f"{tried} rc 1: {says} (failed, exit-code 3): no disk at /srv"),
        "masked": ([], "start failed on guest1: rc 5: masked.service is masked"),
        "missing": ([], "start failed on guest1: rc 5: missing.service is not installed"),
    }
    status = stage.until(
        lambda s: want == {r["name"]: (r["nodes"], r["problem"]) for r in s["resources"] if r["name"] in want}
    )
    assert f"start on guest1: rc 1: {says}" in stage.reconcile("logs", "broken").stdout
    assert [failures(status, name) for name in want] == [3, 1, 1]
    assert is_node("guest1", "online")(status)
