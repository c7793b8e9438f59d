"""Asks resource agents what they say of themselves, on the node that has them, once on each connection.

What cannot be understood says nothing: a resource agent without metadata runs as well.
"""

import asyncio
from collections.abc import Mapping

from lxml import etree

from reconciler.model.agent_metadata import AgentMetadata, ParameterMetadata
from reconciler.model.digest import digest_of
from reconciler.model.names import ResourceId
from reconciler.model.operation import OperationRequest
from reconciler.model.resource import ResourceAgent
from reconciler.ports import AgentLink

TIMEOUT_MS = 30_000
"""As long as Pacemaker waits for it (include/crm/common/actions.h, PCMK_DEFAULT_METADATA_TIMEOUT_MS)."""

_TRUE = {"1", "true", "yes", "on", "y"}


class Inquiry:
    """Whom one link's resource agents were asked through, so that each is asked once; others wait for the answer."""

    def __init__(self, link: AgentLink) -> None:
        self.link = link
        self._asked: dict[ResourceAgent, asyncio.Event] = {}

    async def describe(
        self, resource: ResourceId, agent: ResourceAgent, uid: str, timeout_ms: int = TIMEOUT_MS
    ) -> Mapping[ResourceAgent, AgentMetadata]:
        """Return what a resource agent says of itself; nothing if it was asked before, or is not understood.

        Args:
            resource: whose name the question bears: an agent runs operations of resources only.
            agent: only those of class ocf have metadata.
            uid: of the operation.
            timeout_ms: what else is asked about the resource waits as long; without an answer nothing is known.

        Raises:
            LinkError: the link was lost.
        """
        if agent.standard != "ocf":
            return {}
        if agent in self._asked:
            await self._asked[agent].wait()
            return {}
        answered = self._asked[agent] = asyncio.Event()
        request = OperationRequest(
            resource=resource, agent=agent, operation="meta-data", timeout_ms=timeout_ms, uid=uid
        )
        try:
            result = await self.link.execute(request)
        finally:
            answered.set()
        metadata = parse_metadata(result.output) if result.is_ok else None
        return {} if metadata is None else {agent: metadata}


def parse_metadata(text: str) -> AgentMetadata | None:
    """Return what a resource agent's metadata says; None if it is no such document.

    What can be reloaded follows Pacemaker (daemons/controld/controld_metadata.c): by `reloadable` and reload-agent
    since OCF 1.1; before, whatever is not unique by reload.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.tag != "resource-agent":
        return None
    is_1_1 = _version(root.findtext("version") or "") >= (1, 1)
    reload = "reload-agent" if is_1_1 else "reload"
    actions = {action.get("name") for action in root.iterfind("actions/action")}
    return AgentMetadata(
        digest=digest_of(text),
        parameters={
            name: _parameter(element, is_1_1=is_1_1)
            for element in root.iterfind("parameters/parameter")
            if (name := element.get("name"))
        },
        reload=reload if reload in actions else "",
    )


def _parameter(element: "etree._Element", *, is_1_1: bool) -> ParameterMetadata:
    content = element.find("content")
    kind = "string" if content is None else content.get("type") or "string"
    options = [option.get("value") for option in element.iterfind("content/option")]
    is_reloadable = _flag(element, "reloadable") if is_1_1 else not _flag(element, "unique")
    return ParameterMetadata(
        content=kind,
        options=tuple(option for option in options if option is not None),
        is_required=_flag(element, "required"),
        is_reloadable=is_reloadable,
    )


def _flag(element: "etree._Element", name: str) -> bool:
    return (element.get(name) or "").strip().lower() in _TRUE


def _version(text: str) -> tuple[int, ...]:
    """Return a version's numbers; what is none is as old as can be."""
    parts = text.strip().split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
