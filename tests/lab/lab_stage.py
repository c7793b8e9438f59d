"""What tests of the whole command share: declarations for the lab's hosts, and looks at guests from outside."""

from pathlib import Path

import libvirt

from tests.daemon.stage import Stage, Status, host_yaml
from tests.lab.lab_hosts import Lab, LabHost


def lab_host_yaml(host: LabHost) -> str:
    """Declare one of the lab's hosts: libvirt over the network, and no agent."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: {host.name}}}
spec: {{libvirt: {{lxc: "{host.lxc_uri}", vm: "{host.vm_uri}"}}}}
"""


def declare(stage: Stage, lab: Lab, guest: str, fake: str) -> str:
    """Commit the lab's hosts, the controller's own, a guest and a resource."""
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    return stage.commit(hosts=hosts, guest=guest, fake=fake)


def container_yaml(root: Path, address: str, keys: str = "") -> str:
    """Declare a container on host a, with our agent; `keys` is more of its node, from a comma on."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: lxc
  remoteNode: {{name: guest1, address: {address}, connectTimeout: 30s{keys}}}
  hardware:
    memory: 256Mi
    rootfs: {root}
    nics: [{{bridge: br0}}]
  placement: {{on: [a]}}
"""


def destroy(uri: str, name: str) -> None:
    """Do what `virsh destroy` does."""
    connection = libvirt.open(uri)
    connection.lookupByName(name).destroy()
    connection.close()


def ask_to_end(uri: str, name: str) -> None:
    """Do what `virsh send-process-signal NAME 1 SIGPWR` does to a container."""
    connection = libvirt.open(uri)
    connection.lookupByName(name).sendProcessSignal(1, libvirt.VIR_DOMAIN_PROCESS_SIGNAL_PWR, 0)
    connection.close()


def destroy_all(lab: Lab) -> None:
    """Destroy every guest of every host that is on."""
    for host in lab.hosts:
        if host.supervisor is None:
            continue
        for uri in (host.local_lxc_uri, host.local_vm_uri):
            connection = libvirt.open(uri)
            for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                domain.destroy()
            connection.close()


def ledger_lines(path: Path) -> list[str]:
    """Return a ledger as `ACTION NODE`."""
    if not path.exists():
        return []
    return [f"{words[2]} {words[4]}" for line in path.read_text().splitlines() if (words := line.split())]


def failures(status: Status, name: str) -> int:
    """Return how often a resource has failed."""
    return sum(r["failures"] for r in status["resources"] if r["name"] == name)
