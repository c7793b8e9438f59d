"""Epochs are raised in the text, and nothing else is touched."""

import pytest

from reconciler.load.key_epochs import NotEditableError, Raised, raise_epoch

HEAD = "apiVersion: reconciler/v1alpha1\n"
HOST = f"{HEAD}kind: Host\nmetadata: {{name: host1}}\nspec:\n  agent: AGENT\n"
GUEST = f"{HEAD}kind: Guest\nmetadata: {{name: vm1}}\nspec:\n  type: lxc\n  remoteNode: AGENT\n"


def raised(text: str, node: str = "guest1", *, is_revoked: bool = False) -> tuple[str, Raised]:
    done = raise_epoch({"a.yaml": text.encode()}, node, is_revoked=is_revoked)
    assert done is not None
    return done[0]["a.yaml"].decode(), done[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{name: guest1}", "{keyEpoch: 1, name: guest1}"),
        ("{name: guest1, port: 3}  # mine", "{name: guest1, keyEpoch: 1, port: 3}  # mine"),
        ("{name: guest1, keyEpoch: 9, port: 3}", "{name: guest1, keyEpoch: 10, port: 3}"),
        ("{ name: guest1,\n    port: 3 }", "{ name: guest1,\n    keyEpoch: 1, port: 3 }"),
        ("\n    name: guest1  # mine", "\n    keyEpoch: 1\n    name: guest1  # mine"),
        (
            "\n    name: guest1  # mine\n    # why\n    port: 3",
            "\n    name: guest1  # mine\n    # why\n    keyEpoch: 1\n    port: 3",
        ),
        ("\n    keyEpoch: 3  # due\n    name: guest1", "\n    keyEpoch: 4  # due\n    name: guest1"),
    ],
)
def test_an_epoch_is_raised_in_the_users_own_way_of_writing(before: str, after: str) -> None:
    text, _ = raised(GUEST.replace("AGENT", before))
    assert text == GUEST.replace("AGENT", after)


def test_what_was_raised_is_told_with_its_place() -> None:
    text = f"# first\n---\n{HOST.replace('AGENT', '{address: h, keyEpoch: 2}')}---\n{GUEST}"
    assert raised(text, "HOST1")[1] == Raised(node="host1", file="a.yaml", line=7, before=2, after=3)


def test_a_remote_node_has_its_epoch_in_its_spec() -> None:
    text = f"{HEAD}kind: RemoteNode\nmetadata: {{name: db1}}\nspec: {{address: h}}\n"
    assert raised(text, "db1")[0] == text.replace("{address", "{keyEpoch: 1, address")


def test_revoking_sets_the_lowest_epoch_too() -> None:
    text, what = raised(GUEST.replace("AGENT", "{name: guest1, port: 3, minKeyEpoch: 1}"), is_revoked=True)
    assert text == GUEST.replace("AGENT", "{name: guest1, keyEpoch: 1, port: 3, minKeyEpoch: 1}")
    again, _ = raised(text, is_revoked=True)
    assert again == GUEST.replace("AGENT", "{name: guest1, keyEpoch: 2, port: 3, minKeyEpoch: 2}")
    assert (what.before, what.after) == (0, 1)


def test_a_node_that_no_document_has_an_agent_for() -> None:
    assert raise_epoch({"a.yaml": HOST.replace("AGENT", "local").encode()}, "host1", is_revoked=False) is None


def test_what_two_nodes_share_by_an_alias_is_left_to_the_user() -> None:
    shared = f"{HEAD}kind: Host\nmetadata: {{name: h1}}\nspec:\n  agent: &a {{address: h, keyEpoch: *n}}\n"
    with pytest.raises(NotEditableError, match=r"a.yaml:\d+: .* set spec.agent.keyEpoch to"):
        raised(shared.replace("{name: h1}", "{name: h1, labels: {n: &n 1}}"), "h1")


def test_line_ends_of_other_systems_are_kept() -> None:
    text = GUEST.replace("AGENT", "{name: guest1, port: 3}").replace("\n", "\r\n")
    assert raised(text)[0] == text.replace("name: guest1,", "name: guest1, keyEpoch: 1,")
