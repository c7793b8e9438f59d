"""Checked documents to one Intent: names, defaults, references and constraints put together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.load import defaults
from reconciler.load.bundles import BundleReading, check_contents, parts_of, read_bundles, with_contents
from reconciler.load.bundles import collectives_of as in_bundles
from reconciler.load.bundles import subjects as subjects_of_bundles
from reconciler.load.checks import check_intent
from reconciler.load.collectives import GroupReading, check_cloned, collectives_of, read_groups, subjects
from reconciler.load.constraints import Desugaring, NodeTable
from reconciler.load.containers import with_containers
from reconciler.load.defaults import Settings
from reconciler.load.document import (
    BundleDocument,
    ClusterDocument,
    ConstraintDocument,
    GroupDocument,
    GuestDocument,
    HostDocument,
    RemoteNodeDocument,
    ResourceDocument,
)
from reconciler.load.document_conduct import Defaults
from reconciler.load.fencing import Topology
from reconciler.load.guests import guest_of
from reconciler.load.keys import check_keys
from reconciler.load.namespace import Namespace
from reconciler.load.nodes import host_of, remote_machine_of
from reconciler.load.not_yet import warn_of_what_is_not_carried_out
from reconciler.load.overrides import Overriding, overrides_of_kind
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.references import check_references
from reconciler.load.resources import Given, resource_of
from reconciler.load.sets import add_constraint
from reconciler.load.validate import Checked
from reconciler.model.bundle import tie
from reconciler.model.collective import Bundle
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import Host
from reconciler.model.policy import Policy
from reconciler.model.resource import Resource
from reconciler.plan.rules import with_fixed_rules

_NodeDocument = HostDocument | RemoteNodeDocument | GuestDocument | ResourceDocument


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defaults:
    """What holds for resources that say nothing: the cluster's defaults, then those of their group."""

    resources: Settings
    guests: Settings
    around: Mapping[str, GroupDocument | BundleDocument]
    """The group of each member, and the bundle of what belongs to one."""
    policy: Policy
    said: Defaults

    @staticmethod
    def of(cluster: ClusterDocument | None, wholes: Sequence[GroupReading | BundleReading]) -> "_Defaults":
        """Return the defaults of a declaration."""
        resources, guests = defaults.settings(cluster)
        return _Defaults(
            resources=resources,
            guests=guests,
            around={str(member): whole.document for whole in wholes for member in whole.members},
            policy=defaults.policy(cluster),
            said=(cluster.spec.defaults if cluster is not None and cluster.spec is not None else None)
            or Defaults(),
        )

    def given(self, document: GuestDocument | ResourceDocument, rank: int) -> Given:
        """Return what holds for a resource: the defaults of its kind and agent, and what its group or bundle says."""
        settings = self.guests if isinstance(document, GuestDocument) else self.resources
        for override in overrides_of_kind(self.said, document):
            settings = settings.overridden(override) if override.when is None else settings
        around = self.around.get(document.metadata.name)
        settings = settings.overridden(None if around is None else around.spec)
        return Given(settings=settings, rank=rank, policy=self.policy, operations=self.said.operations)


def resolve(reading: Reading, problems: Problems) -> Intent:
    """Return the intent of all sound documents; `problems` says whether it may be used."""
    names = Namespace(problems=problems, is_whole=reading.is_whole)
    own = [names.declare_document(raw, is_usable=i in reading.checked) for i, raw in enumerate(reading.raw)]
    usable = [reading.checked[i] for i, is_own in enumerate(own) if is_own and i in reading.checked]
    clusters = [c for c in reading.checked.values() if isinstance(c.document, ClusterDocument)]
    cluster_document = _only_cluster(clusters, problems)

    hosts = _hosts(usable)
    ranked = _ranked(usable)
    groups = read_groups(ranked, names)
    bundles = read_bundles(ranked, names, problems)
    wholes: list[GroupReading | BundleReading] = [*groups, *bundles]
    found = _resources(reading.files, ranked, bundles, _Defaults.of(cluster_document, wholes), problems)
    resources = with_containers({resource.id: resource for _, resource, _ in found}, names, problems)
    resources = with_contents(resources, bundles)
    check_contents(bundles, found, problems)
    cloneable = [(raw, r, d) for raw, r, d in found if isinstance(d, ResourceDocument)]
    collectives = collectives_of(groups, cloneable, in_bundles(bundles, resources), problems)
    check_cloned(collectives, resources, problems)
    nodes = NodeTable(machines=hosts, remote_nodes=_open_nodes(resources), is_complete=reading.is_complete)
    about = {**subjects(resources, groups, collectives), **dict(subjects_of_bundles(bundles))}
    kin = {subject.id: subject.kin for subject in about.values()}
    desugaring = Desugaring(names=names, nodes=nodes, problems=problems, kin=kin)
    for raw, resource, document in found:
        desugaring.add(raw, about[resource.id], document.spec)
    for whole in wholes:
        desugaring.add(whole.raw, about[whole.id], whole.document.spec)
    _add_constraints(reading.checked.values(), desugaring)
    for collective in collectives.values():
        if isinstance(collective, Bundle):
            tie(collective, desugaring)
    for index, raw in enumerate(reading.raw):
        if index not in reading.checked:
            check_references(raw, names)
    check_keys(usable, problems)

    overriding = Overriding(names=names, problems=problems)
    cluster_checked = clusters[0] if clusters else None
    topology = Topology(names=names, resources=resources, problems=problems)
    intent = Intent(
        cluster=_cluster(cluster_document, clusters),
        hosts=hosts,
        resources={r.id: r for r in sorted(resources.values(), key=lambda resource: resource.rank)},
        collectives=collectives,
        locations=tuple(desugaring.locations),
        colocations=tuple(desugaring.colocations),
        orderings=tuple(desugaring.orderings),
        tickets=tuple(desugaring.tickets),
        location_rules=tuple(desugaring.location_rules),
        overrides=tuple(overriding.read([(raw, d) for raw, _, d in found], wholes, cluster_checked)),
        node_overrides=tuple(overriding.of_nodes(_with_nodes(usable))),
        policy_overrides=tuple(overriding.of_cluster(cluster_checked)),
        fencing_levels=tuple(topology.levels_of([*clusters[:1], *usable])),
    )
    warn_of_what_is_not_carried_out(intent, problems)
    check_intent(with_fixed_rules(intent), is_complete=reading.is_complete, problems=problems)
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
        policy=defaults.policy(document),
    )


def _hosts(usable: Sequence[Checked]) -> dict[NodeName, Host]:
    """Return hosts and remote nodes, in document order."""
    found = {}
    for checked in usable:
        match checked.document:
            case HostDocument() as document:
                host = host_of(checked.raw, document)
            case RemoteNodeDocument() as document:
                host = remote_machine_of(checked.raw, document)
            case _:
                continue
        found[host.name] = host
    return found


def _with_nodes(usable: Sequence[Checked]) -> list[tuple[RawDocument, _NodeDocument]]:
    """Return the documents that nodes are declared in."""
    return [
        (checked.raw, checked.document)
        for checked in usable
        if isinstance(checked.document, HostDocument | RemoteNodeDocument | GuestDocument | ResourceDocument)
    ]


def _ranked(usable: Sequence[Checked]) -> list[tuple[int, Checked]]:
    """Return the documents that are placed, each with its position among them."""
    kinds = (GuestDocument, ResourceDocument, GroupDocument, BundleDocument)
    return list(enumerate(checked for checked in usable if isinstance(checked.document, kinds)))


def _resources(
    files: Mapping[str, bytes],
    ranked: Sequence[tuple[int, Checked]],
    bundles: Sequence[BundleReading],
    settings: "_Defaults",
    problems: Problems,
) -> list[tuple[RawDocument, Resource, GuestDocument | ResourceDocument]]:
    found: list[tuple[RawDocument, Resource, GuestDocument | ResourceDocument]] = []
    for rank, checked in ranked:
        raw, document = checked.raw, checked.document
        if isinstance(document, GuestDocument):
            given = settings.given(document, rank)
            found.append((raw, guest_of(raw, document, given, files, problems), document))
        elif isinstance(document, ResourceDocument):
            found.append(
                (raw, resource_of(raw, document, settings.given(document, rank), problems), document)
            )
    for bundle in bundles:
        for number, part in enumerate(parts_of(bundle)):
            # What is wrong with the settings of all is said once.
            takes = problems if number == 0 else Problems()
            made = resource_of(bundle.raw, part, settings.given(part, bundle.rank), takes)
            found.append((bundle.raw, replace(made, fields={}), part))
    return found


def _open_nodes(resources: Mapping[ResourceId, Resource]) -> dict[NodeName, Mapping[str, str]]:
    """Return the labels of the nodes that resources make, and others can be placed on."""
    nodes = [r.remote_node for r in resources.values() if r.remote_node is not None]
    return {node.name: node.labels for node in nodes if not node.is_reserved}


def _add_constraints(checked: Iterable[Checked], desugaring: Desugaring) -> None:
    seen: dict[str, Where] = {}
    for one in checked:
        if not isinstance(one.document, ConstraintDocument):
            continue
        name, where = one.document.metadata.name, one.raw.at(("metadata", "name"))
        if name.lower() in seen:
            text = f'the name "{name}" is given twice'
            hint = f"there is a constraint of this name at {seen[name.lower()]}"
            desugaring.problems.add(where, "duplicate-name", text, hint)
        seen.setdefault(name.lower(), where)
        add_constraint(desugaring, one.raw, one.document)
