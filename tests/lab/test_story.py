"""The story that no toy passes: from nothing but its YAML to a web server, and back from every kill."""

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.daemon.stage import Stage, both, host_yaml, is_node, is_started
from tests.lab.lab_hosts import SUBNET, Lab, LabHost
from tests.lab.lab_images import Images
from tests.lab.lab_stage import failures, lab_host_yaml

ADDRESS = f"{SUBNET}.120"
BOOT_LIMIT_S = 300.0
"""A machine with systemd under software emulation is up after half a minute, and a loaded one is slower."""

KILL_PORT = 9


def web_yaml(images: Images, host: str) -> str:
    machine = images.machine()
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-web}}
spec:
  type: vm
  remoteNode: {{name: web1, address: {ADDRESS}, agent: stock, connectTimeout: 240s}}
  hardware:
    vcpus: 2
    memory: 512Mi
    emulation: true
    disks: [{{path: {machine.disk}, discardWrites: true}}]
    nics: [{{bridge: br0}}]
    kernel:
      path: {machine.kernel}
      initrd: {machine.initrd}
      arguments: {machine.arguments} lab.address={ADDRESS}/24
  placement: {{on: [{host}]}}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: nginx}}
spec:
  agent: "systemd:nginx"
  op: {{monitor: {{interval: 2s, timeout: 60s}}, start: {{timeout: 60s}}, stop: {{timeout: 60s}}}}
  placement: {{on: [web1]}}
"""


def curl() -> bool:
    """Whether the web server in the guest answers."""
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(is_so: Callable[[], bool], limit_s: float = BOOT_LIMIT_S) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.2)


def kill_in_guest(name: str) -> None:
    """Kill all processes of a name in the guest, by its hand for tests."""
    with socket.create_connection((ADDRESS, KILL_PORT), timeout=30) as hand:
        hand.sendall(name.encode() + b"\n")
        assert hand.recv(16) == b"done\n"


def nginx_starts(lab: Lab) -> int:
    """How often nginx was started, by the consoles that the hosts have logged."""
    logs = [host.folder / "log" / "qemu" / "vm-web-console.log" for host in lab.hosts]
    return sum(log.read_text(errors="replace").count("LEDGER start nginx") for log in logs if log.exists())


def is_serving(status: dict[str, list[dict[str, object]]]) -> bool:
    return both(is_started("nginx", "web1"), is_node("web1", "online"))(status) and curl()


def qemu_pids(host: LabHost) -> list[int]:
    return list(host.processes("qemu-system-x86"))


@pytest.mark.slow
def test_a_web_server_comes_from_yaml_and_back_from_every_kill(
    stage: Stage, lab: Lab, images: Images
) -> None:
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    stage.commit(hosts=hosts, web=web_yaml(images, "a"))
    stage.start_daemon()
    stage.until(is_serving, BOOT_LIMIT_S)
    assert nginx_starts(lab) == 1

    kill_in_guest("nginx")
    stage.until(lambda s: failures(s, "nginx") == 1 and is_serving(s), BOOT_LIMIT_S)
    assert nginx_starts(lab) == 2

    (qemu,) = qemu_pids(lab["a"])
    kill_in_guest("pacemaker-remot")  # the kernel keeps fifteen characters of a name
    until(lambda: "lost web1's agent" in stage.daemon_log.read_text())
    stage.until(is_serving, BOOT_LIMIT_S)
    assert (qemu_pids(lab["a"]), nginx_starts(lab)) == ([qemu], 2)

    os.kill(qemu, signal.SIGKILL)
    until(lambda: not curl())
    stage.until(is_serving, BOOT_LIMIT_S)
    assert (len(qemu_pids(lab["a"])), nginx_starts(lab)) == (1, 3)

    stage.kill_daemon()
    assert curl()
    stage.start_daemon()
    stage.until(is_serving, BOOT_LIMIT_S)
    assert nginx_starts(lab) == 3

    stage.commit(web=web_yaml(images, "b"))
    stage.until(both(is_started("vm-web", "b"), is_serving), BOOT_LIMIT_S)
    assert (qemu_pids(lab["a"]), len(qemu_pids(lab["b"])), nginx_starts(lab)) == ([], 1, 4)
    starts = [line for line in stage.daemon_log.read_text().splitlines() if " started vm-web on " in line]
    assert [line.rsplit(" ", 1)[1] for line in starts] == ["a", "a", "b"]
