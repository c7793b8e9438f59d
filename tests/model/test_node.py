from reconciler.model.node import LinkReason


def test_only_a_peer_that_proved_to_be_a_stranger_is_an_authentication_failure() -> None:
    found = {reason.value for reason in LinkReason if reason.is_authentication}
    assert found == {"wrong-key", "rogue", "garbage", "too-old", "stale", "wrong-node", "unconfirmed"}
