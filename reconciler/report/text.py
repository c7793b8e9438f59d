"""Status as one screen of text, in the manner of crm_mon. Pure; colours are added by who prints it."""

from reconciler.report.document import Document, listed
from reconciler.report.tickets import ticket_lines


def status_text(document: Document, notes: tuple[str, ...] = ()) -> str:
    """Return the status for people: the source, the nodes, the resources, the tickets, the problems last."""
    lines = [_head(document), *[f"note: {note}" for note in notes], "", "Nodes:"]
    width = max((len(n["name"]) for n in listed(document, "nodes")), default=0)
    for node in listed(document, "nodes"):
        lines += [f"  {_node_line(node, width)}", *_attribute_lines(node, width)]
    lines += ["", "Resources:"]
    width = max((len(r["name"]) for r in listed(document, "resources")), default=0)
    agents = max((len(r["agent"]) for r in listed(document, "resources")), default=0)
    lines += [f"  {_resource_line(r, width, agents)}" for r in listed(document, "resources")]
    if document["tickets"]:
        lines += ["", "Tickets:", *(f"  {line}" for line in ticket_lines(listed(document, "tickets")))]
    if document["problems"]:
        lines += ["", "Problems:"]
        lines += [f"  {_problem_line(problem)}" for problem in listed(document, "problems")]
    return "\n".join(lines)


def _head(document: Document) -> str:
    source = document["source"]
    commit = f"commit {source['commit'][:12]}" if source["commit"] else "the files as they are"
    parts = [f"Cluster {document['cluster']}", commit]
    if document.get("key_fingerprint"):
        parts.append(f"root key {document['key_fingerprint']}")
    if source["dirty"] and source["commit"]:
        parts.append("uncommitted changes are left out")
    if source.get("refused"):
        parts.append(f"{source['refused'][:12]} is refused for its errors")
    return " | ".join(parts)


def _node_line(node: Document, width: int) -> str:
    marks = [word for word in ("standby", "maintenance") if node[word]]
    guest = f" ({node['resource']})" if node["resource"] else ""
    why = ": ".join(part for part in (node["reason"], node["text"]) if part)
    reason = f"  {why}" if why else ""
    state = " ".join([node["state"], *marks])
    notes = f"{_key_note(node)}{_address_note(node)}"
    return f"{node['name']:<{width}}  {node['kind']:<6} {state}{guest}{notes}{reason}"


def _address_note(node: Document) -> str:
    """Say that nobody could tell whose the agent's address is."""
    address = node["address"]
    return f"  address not confirmed: {address['text']}" if address and not address["confirmed"] else ""


def _key_note(node: Document) -> str:
    """Say which key is used, unless it is the first one, as nearly always."""
    key = node["key"]
    if key is None or key["in_use"] is None or not (key["epoch"] or key["in_use"]):
        return ""
    if key["epoch"] == key["in_use"]:
        return f"  key epoch {key['epoch']}"
    return f"  key epoch {key['in_use']}, to be {key['epoch']}"


def _attribute_lines(node: Document, width: int) -> list[str]:
    """Return what a node says of itself, below it."""
    return [f"  {'':<{width}}  * {name}={value}" for name, value in node["attributes"].items()]


def _resource_line(resource: Document, width: int, agents: int) -> str:
    places = ", ".join(resource["nodes"])
    notes = []
    if any(i["failed"] for i in listed(resource, "instances")):
        notes.append("FAILED")
    if any(i["pending"] for i in listed(resource, "instances")):
        notes.append("pending")
    if not resource["declared"]:
        notes.append("removed")
    if not resource["managed"]:
        notes.append("unmanaged")
    if resource["failures"]:
        notes.append(f"failures: {resource['failures']}")
    tail = f"  {' '.join(notes)}" if notes else ""
    return (
        f"{resource['name']:<{width}}  {resource['agent']:<{agents}}  {resource['role']} {places}".rstrip()
        + tail
    )


def _problem_line(problem: Document) -> str:
    address = f"{problem['address']}: " if problem["address"] else ""
    return f"{address}{problem['text']}"
