"""Writes the rules that hold for a whole cluster, always or for a time."""

from collections.abc import Iterable
from enum import Enum

from reconciler.model.policy import HealthStrategy, Policy
from reconciler.model.rule import PolicyOverride
from reconciler.pacemaker.to_yaml_rules import written_condition
from reconciler.pacemaker.to_yaml_values import Map, duration, score

_PLACES = {
    "in_maintenance": ("", "maintenance"),
    "stops_all": ("", "stopAll"),
    "is_symmetric": ("", "symmetric"),
    "on_quorum_loss": ("", "onQuorumLoss"),
    "placement": ("", "placementStrategy"),
    "stops_removed": ("", "stopRemoved"),
    "cancels_removed": ("", "cancelRemoved"),
    "searches_first": ("", "searched"),
    "longest_pause_s": ("", "longestPause"),
    "health": ("health", "strategy"),
    "health_base": ("health", "base"),
    "health_green": ("health", "green"),
    "health_yellow": ("health", "yellow"),
    "health_red": ("health", "red"),
    "has_fencing": ("fencing", "enabled"),
    "fence_action": ("fencing", "action"),
    "fence_timeout_ms": ("fencing", "timeout"),
    "has_watchdog": ("fencing", "watchdog"),
    "fences_in_parallel": ("fencing", "parallel"),
    "priority_fencing_delay_ms": ("fencing", "priorityDelay"),
    "fences_remote_without_quorum": ("fencing", "remoteWithoutQuorum"),
}
"""Where each field of a policy is written: a part of the spec, or the spec itself, and the word there."""

_ALWAYS = frozenset({
    "is_symmetric", "on_quorum_loss", "placement", "stops_removed", "cancels_removed", "longest_pause_s",
    "has_fencing", "fence_action", "fence_timeout_ms",
})  # fmt: skip
"""What is written whatever it is."""
_HEALTH = tuple(name for name, (part, _) in _PLACES.items() if part == "health")


def policy_options(policy: Policy) -> Map:
    """Return a policy as the spec of a cluster has it."""
    usual = Policy()
    fields = [name for name in _PLACES if name in _ALWAYS or getattr(policy, name) != getattr(usual, name)]
    has_health = policy.health is not HealthStrategy.NONE
    return _written(policy, [*(n for n in fields if n not in _HEALTH), *(_HEALTH if has_health else ())])


def written_policy_override(override: PolicyOverride) -> Map:
    """Return an override of the cluster whose condition is sayable."""
    fields = override.fields
    # Whatever is said of health, its strategy is said too.
    fields = ("health", *fields) if set(_HEALTH) & set(fields) and "health" not in fields else fields
    return {"when": written_condition(override.when), **_written(override.policy, fields)}


def _written(policy: Policy, fields: Iterable[str]) -> Map:
    written: Map = {}
    parts: dict[str, Map] = {"": written}
    for name in fields:
        part, word = _PLACES[name]
        if part not in parts:
            parts[part] = {}
            written[part] = parts[part]
        parts[part][word] = _value(name, getattr(policy, name))
    return written


def _value(name: str, value: object) -> object:
    match value:
        case bool() | str():
            return value
        case Enum():
            return value.value
        case int() if name.endswith("_ms"):
            return duration(value)
        case int():
            return score(value)
        case float():
            return duration(round(value * 1000))
        case _:
            raise AssertionError(f"a policy has no field such as {name}")
