"""Says which rule decided on a resource's node, and of each node why it won or lost. Decides nothing."""

from reconciler.model.names import NodeName
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource
from reconciler.model.score import format_score
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.place.trace import Choice, Rule
from reconciler.plan.situation import Situation

_RULES = {
    Rule.UNMANAGED: "it is not managed, and stays as it is",
    Rule.STOPPED: "it is declared stopped",
    Rule.PINNED: "it cannot be moved from {node} now",
    Rule.NO_INSTANCE: "it goes with an instance of another clone, and there is none for it",
    Rule.BEST: "{node} is the best node",
    Rule.PREFERRED: "no node is better than {node}, which is preferred",
    Rule.STAYS: "no node is better than {node}, where it runs",
    Rule.HELD: "it stays on {node} until all that it is placed with has been seen",
    Rule.RETURNS: "it stays on {node}: from a node that is better now it would come back with the next plan",
}


def decided_by(choice: Choice, node: NodeName | None, obstacle: str | None) -> str:
    """Say in a sentence what decided."""
    if choice.rule in {Rule.FAILED, Rule.NONE}:
        return obstacle or "no node is left for it"
    return _RULES[choice.rule].format(node=node)


def verdict(
    situation: Situation, resource: Resource, choice: Choice, node: NodeName, winner: NodeName | None
) -> str:
    """Say in a few words why a node won or lost."""
    if node == winner:
        return "chosen"
    obstacle = choice.standings[node].obstacle
    score = choice.scores.get(node)
    if score is None:
        return _impossible(situation, resource, node)
    if score < 0:
        return f"banned: its score is {format_score(score)}"
    if obstacle is not None:
        return obstacle
    if winner is None or choice.rule in {Rule.UNMANAGED, Rule.PINNED, Rule.HELD, Rule.RETURNS}:
        return "not asked: see the rule above"
    best = choice.scores[winner]
    if score < best:
        return f"its score is lower: {format_score(score)} against {format_score(best)}"
    return _tie(situation, choice, node, winner)


def _impossible(situation: Situation, resource: Resource, node: NodeName) -> str:
    if node in possible_nodes(situation, resource):
        return "no location constraint allows it there, and the cluster is not symmetric"
    if resource.guest is not None:
        is_host = node in situation.intent.hosts
        kind = resource.guest.type.value
        return f"it declares no hypervisor for {kind} guests" if is_host else "a guest runs on hosts only"
    if resource.only_on:
        return "it is in a bundle, and each instance runs in its own container"
    host = situation.intent.hosts.get(node)
    has_no_agent = host is not None and host.agent is None
    return "it has no agent" if has_no_agent else "what makes a node, or fences, stays on hosts"


def _tie(situation: Situation, choice: Choice, node: NodeName, winner: NodeName) -> str:
    """Say what decided between nodes of the same score."""
    if choice.rule is Rule.PREFERRED:
        return f"as good, but {winner} is preferred"
    if choice.rule is Rule.STAYS:
        return f"as good, but it runs on {winner}"
    strategy = situation.intent.cluster.policy.placement
    mine, others = choice.standings[node], choice.standings[winner]
    if strategy is PlacementStrategy.BALANCED and mine.left != others.left:
        return f"as good, but {winner} has more capacity left"
    if strategy is not PlacementStrategy.MINIMAL:
        if mine.load != others.load:
            return f"as good, but {mine.load} assigned there already, {others.load} on {winner}"
        if choice.current == winner:
            return f"as good, but it runs on {winner}"
    return f"as good; {winner} comes first by name"
