"""What nodes say of themselves, kept in the history; pure."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.model.history import History
from reconciler.model.names import NodeName
from reconciler.observe.nodes import NodeView


def with_attribute(history: History, view: NodeView, change: AttributeChange) -> History:
    """Return a history in which an attribute of a node has changed, in the node's present incarnation."""
    kept = history.attributes.get(view.name, NodeAttributes()).in_incarnation(view.incarnation)
    return replace(history, attributes={**history.attributes, view.name: kept.changed(change)})


def present_attributes(
    history: History, views: Mapping[NodeName, NodeView]
) -> Mapping[NodeName, NodeAttributes]:
    """Return the attributes of all nodes that we are in touch with, as they are now."""
    return {
        name: history.attributes.get(name, NodeAttributes()).in_incarnation(view.incarnation)
        for name, view in views.items()
    }
