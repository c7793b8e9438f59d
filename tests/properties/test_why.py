"""What is explained is what is planned: the terms come to the scores that counted, and the winner is the same."""

from hypothesis import given

from reconciler.model.score import add_scores
from reconciler.plan.place.placement import place
from reconciler.plan.why import Account, NodeAccount, explain_all
from tests.plan.worlds import NOW
from tests.properties.test_schedule import EXAMPLES
from tests.properties.worlds import Case, cases


@EXAMPLES
@given(cases())
def test_terms_come_to_the_score_that_counted(case: Case) -> None:
    explained = explain_all(*case, NOW)
    for name in explained.names():
        for account in explained.explain(name).accounts:
            got = {n.node: sum_of(n) for n in account.nodes if n.score is not None}
            assert got == explained.trace.choices[account.resource].scores


@EXAMPLES
@given(cases())
def test_who_asks_why_changes_nothing(case: Case) -> None:
    explained = explain_all(*case, NOW)
    assert explained.placement == place(explained.situation)


@EXAMPLES
@given(cases())
def test_the_explained_winner_is_the_planned_one(case: Case) -> None:
    explained = explain_all(*case, NOW)
    for name in explained.names():
        for account in explained.explain(name).accounts:
            assert account.node == explained.placement.nodes[account.resource]
            assert [n.node for n in account.nodes if n.is_chosen] == ([account.node] if account.node else [])
            assert account.rule != "best" or best_of(account) == account.node


def sum_of(account: NodeAccount) -> int:
    """What the printed terms come to."""
    total = 0
    for term in account.terms:
        total = term.score if term.value is None else add_scores(total, term.value)
        assert total == term.score
    return total


def best_of(account: Account) -> str:
    """The best of the nodes that were not said to be out of the question, as the printed fields have it."""
    able = [
        n for n in account.nodes if n.is_chosen or n.verdict.startswith(("its score is lower", "as good"))
    ]
    return min(able, key=lambda n: (-(n.score or 0), n.load, n.node != account.current, n.node)).node
