"""Compares what a resource is declared with and what its resource agent, on the node that has it, says it takes.

The rules:

* Where nothing is known of a resource agent, nothing is claimed.
* A parameter that the resource agent does not list, one that it needs and is not given, and a value that is not of
  its type keep a resource from being started there; what runs with other values goes on.
* New values are taken up without a restart where the resource agent can, and all that changed can be reloaded.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.agent_metadata import AgentMetadata, ParameterMetadata
from reconciler.model.names import NodeName, Where
from reconciler.model.observed import Instance, Observed, StartedAs
from reconciler.model.resource import Resource, ResourceAgent

_BOOLEANS = {"0", "1", "no", "yes", "false", "true", "off", "on", "n", "y"}
"""resource-agents, ocf-shellfuncs, ocf_is_true and its opposite; without case."""

_INTEGER = re.compile(r"[+-]?[0-9]+")

_UNLISTED = re.compile(r"CRM_meta_.*|OCF_CHECK_LEVEL|trace_.*")
"""What every resource agent takes, though none lists it."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with a resource's parameters, what would be right, and where it stands."""

    text: str
    where: Where


def metadata_of(observed: Observed, node: NodeName, agent: ResourceAgent) -> AgentMetadata | None:
    """Return what a node's resource agent says of itself; None if that is not known."""
    digest = observed.agents.get((node, str(agent))) if observed.agents else None
    return observed.metadata.get(digest) if digest is not None else None


def objection(resource: Resource, params: Mapping[str, str], metadata: AgentMetadata) -> Objection | None:
    """Return the first thing that a resource agent would object to in a resource's parameters; None if nothing."""
    return next(_objections(resource, params, metadata), None)


def matters(
    resource: Resource, wanted: StartedAs, metadata: AgentMetadata, instance: Instance | None
) -> bool:
    """Tell whether metadata may change the plan for a resource, or for what runs of it where the metadata is from.

    Args:
        resource: as it is declared.
        wanted: what it would be started with there.
        metadata: of its resource agent there.
        instance: what is known of it there.
    """
    uses = instance.started_as if instance is not None else None
    is_changed = uses is not None and uses != wanted
    return is_changed or objection(resource, wanted.params, metadata) is not None


def reload_action(metadata: AgentMetadata | None, before: StartedAs, wanted: StartedAs) -> str:
    """Return the action by which what runs takes up what is wanted; empty if it has to be restarted."""
    if metadata is None or before.agent != wanted.agent:
        return ""
    names = {*before.params, *wanted.params}
    changed = [name for name in names if before.params.get(name) != wanted.params.get(name)]
    listed = metadata.parameters
    return metadata.reload if all(n in listed and listed[n].is_reloadable for n in changed) else ""


def _objections(
    resource: Resource, params: Mapping[str, str], metadata: AgentMetadata
) -> Iterator[Objection]:
    listed, of_start = metadata.parameters, resource.operation("start").params
    for name, value in sorted(params.items()):
        path = ("op", "start", "params") if name in of_start else ("params",)
        where = resource.at("spec", *path, name)
        if name not in listed:
            if not _UNLISTED.fullmatch(name):
                text = f"{resource.agent} has no parameter {name}; {_what_would_be_right(name, listed)}"
                yield Objection(text, where)
        elif wrong := _wrong_value(value, listed[name]):
            yield Objection(f"parameter {name} of {resource.agent} {wrong}", where)
    for name in sorted(listed):
        if listed[name].is_required and not params.get(name):
            text = f"{resource.agent} needs the parameter {name}; write it below params"
            yield Objection(text, resource.at("spec", "params"))


def _what_would_be_right(name: str, listed: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(listed), n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"it has {', '.join(sorted(listed))}" if listed else "it has none"


def _wrong_value(value: str, parameter: ParameterMetadata) -> str:
    """Say what a value is not; never the value itself, which may be a secret. An empty one stands for the default."""
    if not value:
        return ""
    match parameter.content:
        case "integer" if not _INTEGER.fullmatch(value.strip()):
            return "is not a whole number"
        case "boolean" if value.strip().lower() not in _BOOLEANS:
            return "is not true or false"
        case "select" if parameter.options and value not in parameter.options:
            return f"is not one of {', '.join(parameter.options)}"
        case _:
            return ""
