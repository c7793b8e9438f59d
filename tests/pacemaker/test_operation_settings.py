"""Operations are read with what holds for them."""

from reconciler.model.names import ResourceId
from reconciler.model.resource import Role
from tests.pacemaker.cibs import cib, dummy, read


def test_of_a_monitor_that_is_declared_twice_neither_counts_alone() -> None:
    ops = "".join(f'<op id="m{i}" name="monitor" interval="{i}"/>' for i in ("40s", "P40S", "10s"))
    given = read(cib(dummy("r", f"<operations>{ops}</operations>")))
    resource = given.intent.resources[ResourceId("r")]
    monitors = [(o.interval_ms, o.is_left_alone) for o in resource.operations if o.name == "monitor"]
    assert monitors == [(40_000, True), (10_000, False)]
    assert [m.interval_ms for m in resource.monitors()] == [10_000]


def test_a_monitor_may_be_for_a_role_by_its_old_name_too() -> None:
    roles = {"5s": "Master", "6s": "Started"}
    ops = "".join(f'<op id="m{i}" name="monitor" interval="{i}" role="{r}"/>' for i, r in roles.items())
    given = read(cib(dummy("r", f"<operations>{ops}</operations>")))
    monitors = given.intent.resources[ResourceId("r")].monitors()
    assert [m.role for m in monitors] == [Role.PROMOTED, Role.STARTED]
