"""Parameters that change, or that no resource agent takes: real agents say what they can do."""

import json

import pytest

from tests.daemon.stage import Stage, both, dummy_yaml, guest_yaml, host_yaml, is_started

pytestmark = pytest.mark.slow


def declare(stage: Stage, params: str) -> None:
    """Commit a host, a guest and FAKE in it, with further parameters."""
    fake = dummy_yaml("FAKE", stage.ledger, params=params)
    stage.commit(host=host_yaml(stage.cluster), guest=guest_yaml(stage.port), fake=fake)


def test_a_reloadable_parameter_is_reloaded_and_a_new_controller_knows_it(stage: Stage) -> None:
    declare(stage, "    delay: 0s")
    stage.reconcile()
    declare(stage, "    delay: 10ms")
    (change,) = json.loads(stage.reconcile("plan", "-o", "json").stdout)["changes"]
    assert (change["action"], change["address"], change["disruptive"]) == ("reload", "resource/FAKE", False)
    assert "reloaded FAKE on guest1" in stage.reconcile().stderr
    assert "Nothing to do" in stage.reconcile().stderr
    assert stage.lines() == ["start FAKE guest1", "reload-agent FAKE guest1"]
    declare(stage, f"    state: {stage.folder}/elsewhere")
    stage.reconcile()
    assert stage.lines()[2:] == ["stop FAKE guest1", "start FAKE guest1"]


def test_a_parameter_that_the_resource_agent_does_not_have_blocks_its_resource_only(stage: Stage) -> None:
    declare(stage, "    dealy: 1s")
    stage.commit(other=dummy_yaml("OTHER", stage.ledger))
    done = stage.reconcile(check=1)
    problem = "ocf:reconciler:Dummy has no parameter dealy; did you mean delay?"
    assert problem in done.stdout
    assert stage.lines() == ["start OTHER guest1"]
    (blocked,) = json.loads(stage.reconcile("plan", "-o", "json").stdout)["blocked"]
    assert blocked == {
        "address": "resource/FAKE",
        "text": problem,
        "code": "blocked",
        "file": "fake.yaml",
        "line": 9,
    }
    declare(stage, "    delay: 0s")
    stage.reconcile()
    assert both(is_started("FAKE", "guest1"), is_started("OTHER", "guest1"))(stage.status())
