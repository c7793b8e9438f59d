"""What a resource agent says of itself, as far as plans need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterMetadata:
    """One parameter (OCF Resource Agent API 1.1, "Metadata")."""

    content: str = "string"
    """string, integer, boolean, select, or what else the resource agent's author wrote."""
    options: tuple[str, ...] = ()
    """The values of a select; empty: any."""
    is_required: bool = False
    is_reloadable: bool = False
    """A new value can be taken up while the resource runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMetadata:
    """One version of a resource agent, as one or more nodes have it."""

    digest: str
    """Of its text: versions that say the same are the same."""
    parameters: Mapping[str, ParameterMetadata] = field(default_factory=dict)
    reload: str = ""
    """The action that takes up new values of reloadable parameters: reload-agent, before OCF 1.1 reload, or none."""
