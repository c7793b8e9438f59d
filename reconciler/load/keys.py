"""What documents say of keys: files that open several nodes, and epochs that contradict each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.load.document import GuestDocument, HostDocument, RemoteNodeDocument, ResourceDocument
from reconciler.load.document_nodes import Agent, HostAgent
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.validate import Checked
from reconciler.model.names import Where


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAgent:
    """An agent as a document has it, and where it stands there."""

    raw: RawDocument
    path: tuple[str, ...]
    name: str
    """Of the document."""
    agent: Agent

    def at(self, field: str) -> Where:
        """Return the place of one of its fields."""
        return self.raw.at((*self.path, field))


def check_keys(usable: Sequence[Checked], problems: Problems) -> None:
    """Refuse keys that open more than is said, and revoked ones that are in use."""
    agents = tuple(written_agents(usable))
    _check_files(agents, problems)
    for written in agents:
        epoch, lowest = written.agent.key_epoch or 0, written.agent.min_key_epoch or 0
        if lowest > epoch:
            text = f"keys of epochs below {lowest} are revoked, and the node's own has epoch {epoch}"
            problems.add(written.at("minKeyEpoch"), "revoked-key", text, f"write keyEpoch: {lowest}")


def written_agents(usable: Sequence[Checked]) -> Iterator[WrittenAgent]:
    """Return the agents that documents name over the network."""
    for checked in usable:
        document = checked.document
        path: tuple[str, ...] = ("spec", "remoteNode")
        agent: Agent | None = None
        if isinstance(document, HostDocument):
            written = document.spec.agent if document.spec is not None else None
            agent, path = (written if isinstance(written, HostAgent) else None), ("spec", "agent")
        elif isinstance(document, RemoteNodeDocument):
            agent, path = document.spec, ("spec",)
        elif isinstance(document, GuestDocument | ResourceDocument):
            agent = document.spec.remote_node
        if agent is not None:
            yield WrittenAgent(raw=checked.raw, path=path, name=document.metadata.name, agent=agent)


def _check_files(agents: Sequence[WrittenAgent], problems: Problems) -> None:
    """Refuse a key that opens several nodes, unless all of them say that this is meant."""
    users: dict[str, list[WrittenAgent]] = {}
    for written in agents:
        if written.agent.key_file is not None:
            users.setdefault(written.agent.key_file, []).append(written)
    for key_file, sharing in users.items():
        for user in sharing:
            if len(sharing) > 1 and user.agent.key_file_shared is not True:
                others = ", ".join(sorted(other.name for other in sharing if other is not user))
                text = f"{key_file} is the key of {others} too, so that one stolen guest opens all"
                hint = "give each a key of its own, or write keyFileShared: true"
                problems.add(user.at("keyFile"), "shared-key", text, hint)
