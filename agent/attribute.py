"""The command `attribute`: sets, removes and tells this node's own attributes, where crm_attribute is not installed.

For resource agents most of all, whose promotion scores are node attributes.
"""

from __future__ import annotations

import os
import sys

from agent.ipc.client import ask
from agent.ipc.message import IpcError
from agent.wire.element import Element

EXIT_OK, EXIT_ERROR, EXIT_NONE = 0, 1, 105
"""The last: there is no such attribute (Pacemaker's CRM_EX_NOSUCH)."""

_PROMOTION_PREFIX = "master-"  # Pacemaker lib/common/attrs.c, pcmk_promotion_score_name


def run(name: str, value: str | None, *, is_query: bool, is_promotion: bool) -> int:
    """Carry out the command, and return its exit code.

    Args:
        name: The attribute, or the resource whose promotion score it is; empty: the resource that calls.
        value: What it gets; None: it is removed, unless only its value is asked for.
        is_query: Print its value, and change nothing.
        is_promotion: It is a promotion score.
    """
    if is_promotion:
        name = _PROMOTION_PREFIX + (name or os.environ.get("OCF_RESOURCE_INSTANCE", ""))
    request = {"t": "attrd", "src": "reconciler-agent", "attr_name": name}
    try:
        if is_query:
            return _print(
                ask("attrd", Element("query", {**request, "task": "query", "attr_host": "localhost"}))
            )
        update = {**request, "task": "update"}
        ask("attrd", Element("update", update if value is None else {**update, "attr_value": value}))
    except IpcError as error:
        sys.stderr.write(f"reconciler-agent: error: {error}\n")
        return EXIT_ERROR
    return EXIT_OK


def _print(reply: Element) -> int:
    found = reply.first("node")
    if found is None or "attr_value" not in found.attributes:
        return EXIT_NONE
    print(found.attributes["attr_value"])  # noqa: T201 - the command's result
    return EXIT_OK
