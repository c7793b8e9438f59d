"""Checked documents to one Intent: names, defaults, references and constraints put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.load import defaults
from reconciler.load.checks import check_intent
from reconciler.load.constraints import Desugaring, NodeTable
from reconciler.load.document import (
    ClusterDocument,
    Common,
    GuestDocument,
    HostAgent,
    HostDocument,
    RemoteNode,
    ResourceDocument,
)
from reconciler.load.guests import guest_of
from reconciler.load.namespace import Namespace
from reconciler.load.nodes import host_of
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.references import check_references
from reconciler.load.resources import Given, resource_of
from reconciler.load.validate import Checked
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, Where
from reconciler.model.node import Host
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All documents of a declaration."""

    files: Mapping[str, bytes]
    """For the XML that guests name."""
    raw: Sequence[RawDocument]
    """In the order of files and documents."""
    checked: Mapping[int, Checked]
    """By index in `raw`; what is missing is broken."""
    is_whole: bool
    """False when a file could not be read to its end."""

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that was written is known."""
        return self.is_whole and len(self.checked) == len(self.raw)


def resolve(reading: Reading, problems: Problems) -> Intent:
    """Return the intent of all sound documents; `problems` says whether it may be used."""
    names = Namespace(problems=problems, is_whole=reading.is_whole)
    own = [names.declare_document(raw, is_usable=i in reading.checked) for i, raw in enumerate(reading.raw)]
    usable = [reading.checked[i] for i, is_own in enumerate(own) if is_own and i in reading.checked]
    clusters = [c for c in reading.checked.values() if isinstance(c.document, ClusterDocument)]
    cluster_document = _only_cluster(clusters, problems)

    hosts = _hosts(usable)
    resources = _resources(reading.files, usable, cluster_document, problems)
    nodes = NodeTable(
        hosts={name: host.labels for name, host in hosts.items()},
        remote_nodes={r.remote_node.name: r.remote_node.labels for _, r, _ in resources if r.remote_node},
        is_complete=reading.is_complete,
    )
    desugaring = Desugaring(names=names, nodes=nodes, problems=problems)
    for raw, resource, spec in resources:
        desugaring.add(raw, resource, spec)
    for index, raw in enumerate(reading.raw):
        if index not in reading.checked:
            check_references(raw, names)
    _check_key_files(usable, problems)

    by_rank = sorted((resource for _, resource, _ in resources), key=lambda resource: resource.rank)
    intent = Intent(
        cluster=_cluster(cluster_document, clusters),
        hosts=hosts,
        resources={resource.id: resource for resource in by_rank},
        locations=tuple(desugaring.locations),
        colocations=tuple(desugaring.colocations),
        orderings=tuple(desugaring.orderings),
    )
    check_intent(intent, is_complete=reading.is_complete, problems=problems)
    return intent


def _only_cluster(clusters: Sequence[Checked], problems: Problems) -> ClusterDocument | None:
    for second in clusters[1:]:
        first = clusters[0].raw.at(("metadata", "name"))
        where = second.raw.at(("metadata", "name"))
        problems.add(where, "two-clusters", "there are two Cluster documents", f"the other one is at {first}")
    document = clusters[0].document if clusters else None
    return document if isinstance(document, ClusterDocument) else None


def _cluster(document: ClusterDocument | None, clusters: Sequence[Checked]) -> Cluster:
    if document is None:
        return Cluster()
    safety = document.spec.safety if document.spec is not None else None
    limit = safety.max_destroy if safety is not None else None
    return Cluster(
        name=document.metadata.name,
        where=clusters[0].raw.at(("metadata", "name")),
        max_destroy=defaults.MAX_DESTROY if limit is None else limit,
    )


def _hosts(usable: Sequence[Checked]) -> dict[NodeName, Host]:
    hosts = [host_of(c.raw, c.document) for c in usable if isinstance(c.document, HostDocument)]
    return {host.name: host for host in hosts}


def _resources(
    files: Mapping[str, bytes],
    usable: Sequence[Checked],
    cluster: ClusterDocument | None,
    problems: Problems,
) -> list[tuple[RawDocument, Resource, Common]]:
    of_resources, of_guests = defaults.settings(cluster)
    found: list[tuple[RawDocument, Resource, Common]] = []
    for checked in usable:
        raw, document = checked.raw, checked.document
        if isinstance(document, GuestDocument):
            given = Given(settings=of_guests, rank=len(found))
            found.append((raw, guest_of(raw, document, given, files, problems), document.spec))
        elif isinstance(document, ResourceDocument):
            given = Given(settings=of_resources, rank=len(found))
            found.append((raw, resource_of(raw, document, given, problems), document.spec))
    return found


def _check_key_files(usable: Sequence[Checked], problems: Problems) -> None:
    """Refuse a key that opens several nodes, unless all of them say that this is meant."""
    users: dict[str, list[tuple[Where, str, bool]]] = {}
    for checked in usable:
        raw, document = checked.raw, checked.document
        agent: RemoteNode | HostAgent | None = None
        path: tuple[str, ...] = ("spec", "remoteNode", "keyFile")
        if isinstance(document, HostDocument):
            written = document.spec.agent if document.spec is not None else None
            agent, path = (written if isinstance(written, HostAgent) else None), ("spec", "agent", "keyFile")
        elif isinstance(document, GuestDocument | ResourceDocument):
            agent = document.spec.remote_node
        if agent is not None and agent.key_file is not None:
            user = (raw.at(path), document.metadata.name, agent.key_file_shared is True)
            users.setdefault(agent.key_file, []).append(user)
    for key_file, sharing in users.items():
        for where, _, is_shared in sharing:
            if len(sharing) > 1 and not is_shared:
                others = ", ".join(sorted(name for at, name, _ in sharing if at != where))
                text = f"{key_file} is the key of {others} too, so that one stolen guest opens all"
                problems.add(
                    where, "shared-key", text, "give each a key of its own, or write keyFileShared: true"
                )
