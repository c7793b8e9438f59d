"""Resource documents to the model's resources: defaults applied, operations in full; references come later."""

from dataclasses import dataclass

from reconciler.load import defaults
from reconciler.load.defaults import Settings
from reconciler.load.document import ResourceDocument
from reconciler.load.document_operations import OperationDefaults
from reconciler.load.nodes import remote_node_of
from reconciler.load.operations import Usual, operations_of
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.model import resource as model
from reconciler.model.names import ResourceId
from reconciler.model.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a document's conversion needs besides the document."""

    settings: Settings
    """Of the cluster and of its group, for what the document leaves out."""
    rank: int
    """Its position in the declaration."""
    policy: Policy
    operations: OperationDefaults | None = None
    """For what its operations leave out."""


def resource_of(
    raw: RawDocument, document: ResourceDocument, given: Given, problems: Problems
) -> model.Resource:
    """Return the resource that a document declares."""
    spec = document.spec
    settings = given.settings.overridden(spec)
    operations = operations_of(raw, spec.op, Usual(given.operations, spec.agent), problems)
    agent, remote = agent_of(spec.agent), spec.remote_node
    return model.Resource(
        id=ResourceId(document.metadata.name),
        agent=agent,
        where=raw.at(("metadata", "name")),
        params=dict(spec.params or {}),
        operations=operations,
        state=settings.state,
        is_managed=settings.is_managed and not settings.in_maintenance,
        is_monitored=not settings.in_maintenance,
        multiple_active=settings.multiple_active,
        stickiness=settings.stickiness,
        priority=settings.priority,
        failure_limit=settings.failure_limit,
        failure_timeout_ms=settings.failure_timeout_ms,
        start_failure_is_fatal=settings.start_failure_is_fatal,
        rank=given.rank if spec.rank is None else spec.rank,
        remote_node=remote_node_of(raw, remote, remote.name) if remote is not None else None,
        container=None if spec.container is None else ResourceId(spec.container),
        needs=dict(spec.needs or {}),
        allows_migration=spec.allow_migration is True,
        allows_unhealthy=spec.allow_unhealthy is True,
        requires=defaults.requires(spec.requires, agent, given.policy),
        is_critical=settings.is_critical,
        fields=raw.fields(),
    )


def agent_of(written: str) -> model.ResourceAgent:
    """Return the resource agent of a checked `ocf:PROVIDER:TYPE` or `STANDARD:NAME`."""
    standard, _, rest = written.partition(":")
    if standard != "ocf":
        return model.ResourceAgent(standard=standard, type=rest)
    provider, _, agent_type = rest.partition(":")
    return model.ResourceAgent(standard="ocf", provider=provider, type=agent_type)


def role_of(written: str | None) -> model.Role | None:
    """Return the role that something is limited to; what is started has any of them (Pacemaker: role)."""
    return None if written in {None, "Started"} else model.Role(written)
