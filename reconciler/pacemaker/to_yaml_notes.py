"""Finds what of a CIB is written as what it comes to at its time: rules without a place in YAML, and locks."""

from collections.abc import Collection

from reconciler.model.names import TicketName
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.operation_settings import VARIABLE as OF_OPERATIONS
from reconciler.pacemaker.options import is_variable
from reconciler.pacemaker.overrides import VARIABLE
from reconciler.pacemaker.tickets import ticket_elements
from reconciler.pacemaker.to_yaml_values import Losses
from reconciler.pacemaker.values import boolean

_RESOURCES = {"primitive", "template", "group", "clone", "master"}


def note_what_is_of_now(cib: Cib, losses: Losses) -> None:
    """Note what is written as it is at the time of the CIB, and changes later only there."""
    _note_rules(cib, losses)
    options = [
        pair for block in cib.section("configuration/crm_config") for pair in elements(block, "nvpair")
    ]
    for pair in options:
        if pair.get("name") == "shutdown-lock" and boolean(pair.get("value")):
            text = (
                "shutdown-lock: nothing is kept here for a node that shuts down; what is kept at the time of the CIB "
                "is written as where resources may run"
            )
            losses.add(cib.where(pair), "shutdown-lock", text)


def note_ticket_states(cib: Cib, tickets: Collection[TicketName], losses: Losses) -> None:
    """Note what has to be ordered here for the tickets that a CIB says are granted: a commit grants none."""
    for element in ticket_elements(cib):
        name, is_standby = element.get("id", ""), boolean(element.get("standby"))
        if name not in tickets or not (is_standby or boolean(element.get("granted"))):
            continue
        states = {"granted": boolean(element.get("granted")), "on standby": is_standby}
        orders = {"granted": f"ticket grant {name}", "on standby": f"ticket standby {name}"}
        what = " and ".join(state for state, holds in states.items() if holds)
        said = " and ".join(f"`reconcile {orders[state]}`" for state, holds in states.items() if holds)
        text = f"the ticket {name} is {what}, which is not declared: say {said}, once this cluster has taken over"
        losses.add(cib.where(element), "ticket", text)


def _note_rules(cib: Cib, losses: Losses) -> None:
    """Note the rules that stand where YAML has no place for one, and depend on time or on nodes."""
    for rule in cib.root.iterfind("configuration//rule"):
        block = rule.getparent()
        if block is None or block.tag == "rule" or not _is_open(rule) or _has_place(rule, block):
            continue
        text = f"the rule {rule.get('id')} is written as what it says at the time of the CIB"
        if _is_of_operation(block) and _looks_at_nodes(rule):
            text = f"what the rule {rule.get('id')} is for is left out: operations are the same on every node here"
        losses.add(cib.where(rule), "rule", text)


def _has_place(rule: Element, block: Element) -> bool:
    """Tell whether YAML has a place for a rule of a block."""
    of = block.getparent()
    what = "" if of is None else str(of.tag)
    if block.tag == "rsc_location":
        return block.get("node") is None
    if block.tag == "instance_attributes" and what in _RESOURCES:
        return True
    if _looks_at_nodes(rule):
        return False
    names = {pair.get("name") for pair in block.iter("nvpair")}
    match block.tag:
        case "meta_attributes":
            known = VARIABLE if what in {*_RESOURCES, "rsc_defaults"} else OF_OPERATIONS
            return names <= known
        case "cluster_property_set":
            return all(is_variable(str(name)) for name in names)
        case "utilization" | "instance_attributes":
            return what in {*_RESOURCES, "op", "node"}
        case _:
            return False


def _is_of_operation(block: Element) -> bool:
    of = block.getparent()
    return block.tag == "instance_attributes" and of is not None and of.tag == "op"


def _looks_at_nodes(rule: Element) -> bool:
    return next(rule.iter("expression"), None) is not None


def _is_open(rule: Element) -> bool:
    """Tell whether a rule depends on time or on nodes; what else it looks at is decided for good."""
    return next(rule.iter("expression", "date_expression"), None) is not None
