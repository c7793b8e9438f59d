from reconciler.model.names import ResourceId, Where
from reconciler.model.resource import Operation, Resource, ResourceAgent

WHERE = Where(file="a.yaml", line=1)
DUMMY = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")
EVERY_10S = Operation(name="monitor", interval_ms=10_000, timeout_ms=5_000)
OFF = Operation(name="monitor", interval_ms=60_000, enabled=False)
START = Operation(name="start", timeout_ms=90_000)


def web(**places: Where) -> Resource:
    return Resource(
        id=ResourceId("web"),
        agent=DUMMY,
        where=WHERE,
        operations=(START, EVERY_10S, OFF, Operation(name="monitor", timeout_ms=7)),
        fields={name.replace("_", "."): where for name, where in places.items()},
    )


def test_agents_are_named_as_users_write_them() -> None:
    assert str(DUMMY) == "ocf:heartbeat:Dummy"
    assert str(ResourceAgent(standard="systemd", type="nginx")) == "systemd:nginx"


def test_only_agents_with_parameters_have_instances_that_differ() -> None:
    assert DUMMY.has_parameters
    assert ResourceAgent(standard="guest", type="vm").has_parameters
    assert not ResourceAgent(standard="systemd", type="nginx").has_parameters


def test_an_operation_is_found_by_name_and_interval_or_has_defaults() -> None:
    assert web().operation("start") == START
    assert web().operation("monitor", 10_000) == EVERY_10S
    assert web().operation("stop") == Operation(name="stop")


def test_monitors_are_recurring_and_enabled() -> None:
    assert web().monitors() == (EVERY_10S,)


def test_a_field_that_was_not_written_stands_where_the_nearest_enclosing_one_does() -> None:
    spec, params = Where(file="a.yaml", line=3), Where(file="a.yaml", line=5)
    resource = web(spec=spec, spec_params=params)
    assert resource.at("spec", "params", "state") == params
    assert resource.at("spec", "agent") == spec
    assert resource.at("metadata") == WHERE
