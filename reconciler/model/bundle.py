"""What a bundle stands for: containers, their addresses and nodes, a clone in them, and what ties all that together.

Both loaders make of a declaration what these rules say. Sources: Pacemaker lib/pengine/bundle.c; for rkt, which version
3 has dropped, that of 2.1. Parameters are made to the letter, blanks included: those that containers were started with
are on record by their digests.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol, TypeVar

from reconciler.model.collective import Bundle, Clone, Promotion, Replica
from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import ResourceAgent, Role
from reconciler.model.rule import LocationRule
from reconciler.model.score import INFINITY

AUTHKEY = "/etc/pacemaker/authkey"
"""The key of the agents in containers: the host's file is mounted, and the controller needs the same."""
MONITOR_INTERVAL_MS = 60_000
"""How often containers and addresses are looked at."""
PORT = "3121"
"""Of the agents in containers, where no other one is named."""

_AGENT_IN_CONTAINER = "/usr/sbin/pacemaker-remoted"
_LOGS, _LOGS_INSIDE = "/var/log/pacemaker/bundles", "/var/log"
_NUMBERED = frozenset({"ocf", "stonith"})
"""Standards of agents that can be told which instance they are (lib/common/agents.c, pcmk_get_ra_caps)."""

_Located_T = TypeVar("_Located_T", Location, LocationRule)


class Launcher(Enum):
    """What runs containers: a resource agent of this name, of the provider heartbeat."""

    DOCKER = "docker"
    PODMAN = "podman"
    RKT = "rkt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder of the host that a container sees."""

    source: str
    target: str
    options: str | None = None
    is_per_replica: bool = False
    """Each replica has a folder of its own below the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleNetwork:
    """How containers are reached; what is not named is left to the launcher."""

    name: str | None = None
    """The launcher's network, such as host."""
    first_address: str = ""
    """That of replica 0; each next one has the address that follows. "": they have none of their own."""
    interface: str | None = None
    netmask: str | None = None
    control_port: str | None = None
    """Of the agents in the containers."""
    names_replicas: bool = True
    """Each container knows the others' addresses by their names."""
    ports: tuple[tuple[str, str], ...] = ()
    """Outside and inside; numbers, or ranges of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A resource that a bundle stands for."""

    id: ResourceId
    agent: ResourceAgent
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDeclaration:
    """A bundle as it is declared."""

    name: ResourceId
    launcher: Launcher
    image: str
    replicas: int = 1
    asked_per_host: int = 1
    promoted_max: int = 0
    """0: what is in it is not promoted."""
    run_command: str | None = None
    options: str | None = None
    """More of the launcher's own."""
    network: BundleNetwork = BundleNetwork()
    mounts: tuple[Mount, ...] = ()
    content: ResourceId | None = None
    """What runs in each container."""
    taken: frozenset[str] = frozenset()
    """Names that other resources have, so that no node of it can."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return an address for each replica, "" where there is none."""
        found: list[str] = []
        address = self.network.first_address
        for _ in range(self.replicas):
            found.append(address)
            address = _next_address(address)
        return tuple(found)

    @property
    def per_host(self) -> int:
        """Return the number of replicas on one host: with a port and no address of its own, there is room for one."""
        is_alone = self.network.control_port is not None and not self.network.first_address
        return 1 if is_alone else self.asked_per_host

    @property
    def is_reachable(self) -> bool:
        """Tell whether something can be run in the containers: their agents have an address, or a port of the host."""
        return bool(self.network.first_address or self.network.control_port)

    @property
    def port(self) -> str:
        """Return the port of the agents in the containers."""
        return self.network.control_port or PORT

    @property
    def nodes(self) -> tuple[NodeName, ...]:
        """Return the nodes that the containers make, one each; none if nothing is run in them."""
        if self.content is None:
            return ()
        usual = [f"{self.name}-{number}" for number in range(self.replicas)]
        return tuple(
            NodeName(f"pcmk-internal-{self.content}:{n}-remote-{n}" if name in self.taken else name)
            for n, name in enumerate(usual)
        )

    @property
    def clone_id(self) -> ResourceId:
        """Return the name of the clone that the content becomes."""
        return ResourceId(f"{self.name}-{'master' if self.promoted_max else 'clone'}")

    def address(self, number: int) -> Part | None:
        """Return what sets up a replica's address on the host of its container."""
        address, network = self.addresses[number], self.network
        if not address:
            return None
        params = {"ip": address}
        if network.interface is not None:
            params["nic"] = network.interface
        params["cidr_netmask"] = network.netmask or "32"
        name = f"{self.name}-ip-{address}".replace(":", ".")
        return Part(id=ResourceId(name), agent=_agent("IPaddr2"), params=params)

    def container(self, number: int) -> Part:
        """Return what runs a replica's container."""
        mounts = self._mounts()
        folders = [f"{m.source}/{self.name}-{number}" if m.is_per_replica else m.source for m in mounts]
        own = [folder for folder, mount in zip(folders, mounts, strict=True) if mount.is_per_replica]
        command = self.run_command
        if command is None and self.content is not None:
            command = _AGENT_IN_CONTAINER
        params = {
            "image": self.image,
            "allow_pull": "true",
            "force_kill": "false",
            "reuse": "false",
            "run_opts": "".join(self._run_options(number, zip(folders, mounts, strict=True))),
            "mount_points": ",".join(own),
        }
        if command is not None:
            params["run_cmd"] = command
        params["monitor_cmd"] = "/bin/true"
        name = f"{self.name}-{self.launcher.value}-{number}"
        return Part(id=ResourceId(name), agent=_agent(self.launcher.value), params=params)

    def clone(self, agent: ResourceAgent, where: Where) -> Clone:
        """Return the clone that the content becomes, with an instance for each replica."""
        assert self.content is not None, "what is empty has nothing to clone"
        is_unique = self.per_host > 1 and agent.standard in _NUMBERED
        return Clone(
            id=self.clone_id,
            member=self.content,
            where=where,
            max=self.replicas,
            node_max=self.per_host if is_unique else 1,
            is_ordered=True,
            is_unique=is_unique,
            promotion=Promotion(max=self.promoted_max) if self.promoted_max else None,
        )

    def collective(self, clone: Clone | None, where: Where) -> Bundle:
        """Return the bundle as a whole, without connections that are resources.

        Args:
            clone: of what is in it.
            where: where it is declared.
        """
        replicas = []
        for number in range(self.replicas):
            address = self.address(number)
            container = self.container(number).id
            replicas.append(Replica(container=container, address=None if address is None else address.id))
        return Bundle(
            id=self.name,
            replicas=tuple(replicas),
            where=where,
            inner=None if clone is None else clone.id,
            node_max=self.per_host,
        )

    def _mounts(self) -> tuple[Mount, ...]:
        """Return the mounts, with those that the agent in a container needs."""
        if self.content is None:
            return self.mounts
        mounts = [*self.mounts, Mount(source=AUTHKEY, target=AUTHKEY)]
        if all(mount.target != _LOGS_INSIDE for mount in self.mounts):
            mounts.append(Mount(source=_LOGS, target=_LOGS_INSIDE, is_per_replica=True))
        return tuple(mounts)

    def _run_options(self, number: int, mounts: Iterable[tuple[str, Mount]]) -> Iterator[str]:
        """Yield the options with which a container is made, in Pacemaker's order and with its blanks."""
        is_rkt, name = self.launcher is Launcher.RKT, self.network.name
        variable = "--environment=" if is_rkt else "-e "
        if self.launcher is Launcher.DOCKER:
            yield " --restart=no"
        if self.network.first_address:
            yield f" {'--hostname=' if is_rkt else '-h '}{self.name}-{number}"
        yield f" {variable}PCMK_stderr=1"
        if name is not None:
            yield f" --net={name}"
        yield f" {variable}PCMK_remote_port={self.port}"
        for index, (folder, mount) in enumerate(mounts):
            if is_rkt:
                more = "" if mount.options is None else f",{mount.options}"
                yield f" --volume vol{index},kind=host,source={folder}{more}"
                yield f" --mount volume=vol{index},target={mount.target}"
            else:
                yield f" -v {folder}:{mount.target}" + ("" if mount.options is None else f":{mount.options}")
        yield from self._port_options(self.addresses[number])
        if self.options is not None:
            yield f" {self.options}"
        yield " " + "".join(self._names_in_containers())

    def _port_options(self, address: str) -> Iterator[str]:
        own = () if self.content is None else ((self.port, self.port),)
        for outside, inside in (*self.network.ports, *own):
            if self.launcher is Launcher.RKT:
                yield f" --port={inside}:{address}:{outside}" if address else f" --port={inside}:{outside}"
            elif address:
                yield f" -p {address}:{outside}:{inside}"
            elif self.network.name != "host":
                yield f" -p {outside}:{inside}"

    def _names_in_containers(self) -> Iterator[str]:
        knows_names = self.network.names_replicas and self.launcher is not Launcher.RKT
        for number, address in enumerate(self.addresses):
            if address and knows_names:
                yield f" --add-host={self.name}-{number}:{address}"
            elif address:
                yield f" --hosts-entry={address}={self.name}-{number}"


class Constraints(Protocol):
    """Constraints while they are put together."""

    locations: list[Location]
    location_rules: list[LocationRule]
    colocations: list[Colocation]
    orderings: list[Ordering]


def tie(bundle: Bundle, found: Constraints) -> None:
    """Keep the addresses of a bundle with their containers, set up before these, and where the bundle may be.

    Locations of the promoted role are about what is in the containers (pcmk__bundle_apply_location).
    """
    if bundle.inner is not None:
        found.locations[:] = [_of_inner(c, bundle.id, bundle.inner) for c in found.locations]
        found.location_rules[:] = [_of_inner(c, bundle.id, bundle.inner) for c in found.location_rules]
    locations = [c for c in found.locations if c.resource == bundle.id]
    rules = [c for c in found.location_rules if c.resource == bundle.id]
    for replica in bundle.replicas:
        if replica.address is None:
            continue
        name, container = replica.address, replica.container
        found.locations += [replace(c, resource=name) for c in locations]
        found.location_rules += [replace(c, resource=name) for c in rules]
        mark = f"#{name}-with-container"
        found.colocations.append(
            Colocation(id=mark, dependent=name, primary=container, score=INFINITY, where=bundle.where)
        )
        found.orderings.append(Ordering(id=mark, first=name, then=container, where=bundle.where))


def _of_inner(location: _Located_T, bundle: ResourceId, inner: ResourceId) -> _Located_T:
    is_of_role = location.resource == bundle and location.role is Role.PROMOTED
    return replace(location, resource=inner) if is_of_role else location


def _agent(kind: str) -> ResourceAgent:
    return ResourceAgent(standard="ocf", provider="heartbeat", type=kind)


def _next_address(address: str) -> str:
    """Return the IPv4 address that follows; "" where Pacemaker goes no further."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return ""
    first, second, third, fourth = (int(part) for part in parts)
    if third > 253:
        return ""
    return f"{first}.{second}.{third + 1}.1" if fourth > 253 else f"{first}.{second}.{third}.{fourth + 1}"
