"""Epochs of keys, as documents have them; files of keys are with the guests' tests."""

import pytest

from reconciler.model.names import Where
from reconciler.model.problem import Problem
from tests.load.texts import load_text

HOST = """\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: host1}}
spec:
  agent: {{address: h.test, {written}}}
"""


@pytest.mark.parametrize(
    ("written", "epochs"),
    [
        ("port: 1", (0, 0)),
        ("keyEpoch: 3", (3, 0)),
        ("keyEpoch: 3, minKeyEpoch: 1", (3, 1)),
        ("keyEpoch: 3, minKeyEpoch: 3", (3, 3)),
    ],
)
def test_an_epoch_may_be_raised_and_lower_ones_revoked(written: str, epochs: tuple[int, int]) -> None:
    intent = load_text(HOST.format(written=written)).intent
    assert intent is not None
    (host,) = intent.hosts.values()
    assert host.agent is not None
    assert (host.agent.key_epoch, host.agent.min_key_epoch) == epochs


@pytest.mark.parametrize(
    ("written", "column", "text"),
    [
        ("minKeyEpoch: 1", 41, "keys of epochs below 1 are revoked, and the node's own has epoch 0"),
        (
            "keyEpoch: 1, minKeyEpoch: 2",
            54,
            "keys of epochs below 2 are revoked, and the node's own has epoch 1",
        ),
    ],
)
def test_a_key_that_is_revoked_cannot_be_the_nodes_own(written: str, column: int, text: str) -> None:
    (problem,) = load_text(HOST.format(written=written)).problems
    assert (problem.code, problem.text, problem.where.line) == ("revoked-key", text, 5)
    assert problem.where == Where(file="a.yaml", line=5, column=column)
    assert isinstance(problem, Problem)
