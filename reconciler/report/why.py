"""Why resources are where they are: the document, and the same for people. Pure."""

from reconciler.model.names import Where
from reconciler.model.score import format_score
from reconciler.plan.why import Account, Explanation, NodeAccount, Term
from reconciler.report.document import Document, listed

FORMAT_VERSION = "1.0"


def why_document(explanation: Explanation) -> Document:
    """Return an explanation by the JSON contract."""
    return {
        "format_version": FORMAT_VERSION,
        "resource": explanation.resource,
        "kind": explanation.kind,
        **_place(explanation.where),
        "parts": [_part(account) for account in explanation.accounts],
    }


def why_text(document: Document) -> str:
    """Return an explanation for people: what decided, then each node with the terms of its score."""
    blocks = [
        "\n".join([_head(part), *(line for node in listed(part, "nodes") for line in _node_lines(node))])
        for part in listed(document, "parts")
    ]
    return "\n\n".join(blocks)


def _part(account: Account) -> Document:
    return {
        "resource": account.resource,
        "from": account.current,
        "to": account.node,
        "rule": account.rule,
        "text": account.text,
        "nodes": [_node(node) for node in account.nodes],
    }


def _node(node: NodeAccount) -> Document:
    return {
        "node": node.node,
        "chosen": node.is_chosen,
        "score": node.score,
        "assigned_before": node.load,
        "verdict": node.verdict,
        "terms": [_term(term) for term in node.terms],
    }


def _term(term: Term) -> Document:
    return {
        "kind": term.kind,
        "text": term.text,
        "value": term.value,
        "score": term.score,
        **_place(term.where),
    }


def _place(where: Where | None) -> Document:
    is_known = where is not None and bool(where.file)
    return {
        "file": where.file if where is not None and is_known else None,
        "line": where.line if where is not None and is_known else None,
    }


def _head(part: Document) -> str:
    where = {
        (True, True): f"{part['from']} -> {part['to']}",
        (True, False): f"runs on {part['from']}, and is to run nowhere",
        (False, True): f"-> {part['to']}",
        (False, False): "nowhere",
    }[part["from"] is not None, part["to"] is not None]
    if part["from"] == part["to"] and part["to"] is not None:
        where = f"stays on {part['to']}"
    return f"{part['resource']}: {where}: {part['text']}"


def _node_lines(account: Document) -> list[str]:
    score = "-" if account["score"] is None else format_score(account["score"])
    mark = "*" if account["chosen"] else " "
    lines = [f" {mark} {account['node']}  {score}  {account['verdict']}"]
    width = max((len(_value(term)) for term in listed(account, "terms")), default=0)
    for term in listed(account, "terms"):
        place = f"  ({term['file']}:{term['line']})" if term["file"] else ""
        lines.append(f"      {_value(term):>{width}}  {term['text']}{place}")
    return lines


def _value(term: Document) -> str:
    """Write what a term adds, with its sign; what replaces the score with an equals sign."""
    if term["value"] is None:
        return f"={format_score(term['score'])}"
    sign = "+" if term["value"] >= 0 else ""
    return f"{sign}{format_score(term['value'])}"
