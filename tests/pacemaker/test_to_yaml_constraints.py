"""Tickets stand with what needs them."""

from reconciler.model.constraint import LossPolicy
from tests.pacemaker.cibs import cib, dummy, meta
from tests.pacemaker.test_to_yaml import assert_same, converted, loaded


def test_tickets_are_needed_by_the_same_for_the_same() -> None:
    resources = dummy("a") + f'<clone id="all">{meta(promotable="true")}{dummy("b")}</clone>'
    constraints = (
        '<rsc_ticket id="t1" rsc="a" ticket="T"/><rsc_ticket id="t2" rsc="a" ticket="U" loss-policy="freeze"/>'
        '<rsc_ticket id="t3" rsc="all" ticket="T" rsc-role="Promoted"/>'
        '<rsc_ticket id="t4" rsc="all" ticket="U" rsc-role="Promoted" loss-policy="stop"/>'
    )
    assert_same(cib(resources, constraints))


def test_a_ticket_that_cannot_be_named_here_is_listed() -> None:
    constraint = '<rsc_ticket id="{}" rsc="a" ticket="{}" loss-policy="{}"/>'
    needs = [("t1", "T", "stop"), ("t2", "t", "stop"), ("t3", "T", "freeze"), ("t4", "a b", "stop")]
    found = converted(cib(dummy("a"), "".join(constraint.format(*need) for need in needs)))
    assert [(loss.feature, loss.text) for loss in found.lost] == [
        ("ticket", "a runs without the ticket 't': its name is taken, or not legal here"),
        ("ticket", "t3 is the second constraint of a for the ticket T"),
        ("ticket", "a runs without the ticket 'a b': its name is taken, or not legal here"),
    ]
    assert [(need.resource, need.ticket, need.on_loss) for need in loaded(found).tickets] == [
        ("a", "T", LossPolicy.STOP)
    ]
