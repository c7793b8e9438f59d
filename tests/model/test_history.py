from reconciler.model.history import FailureCount, History
from reconciler.model.names import NodeName, ResourceId

WEB, DB = ResourceId("web"), ResourceId("db")
N1, N2 = NodeName("n1"), NodeName("n2")
ONCE = FailureCount(count=1, last_at=5.0, operation="monitor", text="rc 1")


def failed() -> History:
    return History().with_failure((WEB, N1), ONCE).with_failure((WEB, N2), ONCE).with_failure((DB, N1), ONCE)


def test_failures_are_kept_by_resource_and_node() -> None:
    assert failed() == History(failures={(WEB, N1): ONCE, (WEB, N2): ONCE, (DB, N1): ONCE})


def test_a_new_count_replaces_the_old_one() -> None:
    twice = FailureCount(count=2)
    assert failed().with_failure((DB, N1), twice).failures[DB, N1] == twice


def test_failures_of_one_node_are_forgotten_alone() -> None:
    assert failed().without_failures(WEB, N1) == History(failures={(WEB, N2): ONCE, (DB, N1): ONCE})


def test_without_a_node_all_failures_of_a_resource_are_forgotten() -> None:
    assert failed().without_failures(WEB) == History(failures={(DB, N1): ONCE})
