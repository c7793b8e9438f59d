import pytest

from tests.load.test_defaults import cluster
from tests.load.texts import HOST, problems_of, resource

CONFIRM = "a person confirms that a host is dead: reconcile confirm-fenced HOST"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (cluster("{fencing: {}}"), [f"8:18: warning[not-yet]: no host is fenced yet; {CONFIRM}"]),
        (cluster("{onQuorumLoss: fence}"), [f"8:18: warning[not-yet]: no host is fenced yet; {CONFIRM}"]),
        (cluster("{fencing: {enabled: false}}"), []),
        (
            resource("a", "allowMigration: true"),
            [],
        ),
        (
            resource("a", "allowMigration: true", agent="systemd:nginx"),
            ["11:3: warning[not-yet]: a is not moved live yet; leave it out, and it is stopped and started"],
        ),
        (
            resource("a", agent="stonith:fence_ipmilan"),
            ["10:3: warning[not-yet]: fence agents are not run yet, so a cannot start; write state: stopped"],
        ),
        (
            resource("a", "op: {stop: {onFail: fence}}"),
            ["11:3: warning[not-yet]: no host is fenced yet; write onFail: block"],
        ),
        (
            resource("a", "clone: {promotable: {}, notify: true}"),
            [],
        ),
    ],
)
def test_what_is_asked_for_in_vain_is_said(text: str, want: list[str]) -> None:
    assert problems_of(HOST + text) == want
