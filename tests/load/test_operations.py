"""Operations get what they leave out from the cluster's defaults, for all or for some."""

import pytest

from reconciler.model.names import ResourceId
from reconciler.model.resource import OnFail, Operation
from tests.load.test_constraints import intent_of
from tests.load.texts import guest, host, problems_of, resource

WORLD = host("h1", "{agent: local}")


def cluster(*lines: str) -> str:
    """A cluster whose defaults begin on line 6."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"---\napiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {{name: c}}\nspec:\n  defaults:\n{body}"


DEFAULTS = cluster(
    "operations:",
    "  timeout: 1m",
    "  overrides:",
    "  - {operations: [monitor, probe], timeout: 30s}",
    "  - {operations: [monitor], interval: 5s, onFail: block}",
    '  - {agents: ["ocf:heartbeat:*"], operations: [start], timeout: 5m}',
)


def operations(text: str) -> list[Operation]:
    return sorted(
        intent_of(text).resources[ResourceId("a")].operations, key=lambda o: (o.name, o.interval_ms)
    )


def test_operations_that_say_nothing_get_what_the_defaults_say_of_them() -> None:
    op = "op: {stop: {timeout: 7s}, monitor: [{interval: 5s}, {interval: 9s, timeout: 1s}]}"
    minute = 60_000
    assert operations(WORLD + DEFAULTS + resource("a", op)) == [
        Operation(name="demote", timeout_ms=minute),
        Operation(name="migrate_from", timeout_ms=minute),
        Operation(name="migrate_to", timeout_ms=minute),
        Operation(name="monitor", timeout_ms=30_000),
        Operation(name="monitor", interval_ms=5000, timeout_ms=30_000, on_fail=OnFail.BLOCK),
        Operation(name="monitor", interval_ms=9000, timeout_ms=1000),
        Operation(name="promote", timeout_ms=minute),
        Operation(name="start", timeout_ms=5 * minute),
        Operation(name="stop", timeout_ms=7000),
    ]


def test_defaults_of_agents_are_for_these_alone() -> None:
    found = operations(WORLD + DEFAULTS + resource("a", agent="systemd:nginx"))
    assert [o.timeout_ms for o in found if o.name == "start"] == [60_000]


def test_guests_have_defaults_of_their_own() -> None:
    assert operations(WORLD + DEFAULTS + guest("a", node="g")) == [
        Operation(name="start", timeout_ms=90_000),
        Operation(name="stop", timeout_ms=90_000),
    ]


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("operations: {timeout: 60}", "error[no-unit]"),
        ("operations: {overrides: [{operations: [strat]}]}", "error[bad-value]"),
        ('operations: {overrides: [{agents: ["ocf heartbeat"]}]}', "error["),
    ],
)
def test_bad_defaults_are_named(line: str, want: str) -> None:
    (problem,) = problems_of(WORLD + cluster(line) + resource("a"))
    assert want in problem
