"""Settings of the loop, each with its unit; limits that a person may want to change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the loop behaves in time."""

    resync_s: float = 30.0
    """How often hypervisors are read though nothing happens; a lost event costs at most this much."""
    hypervisor_timeout_s: float = 15.0
    """How long one reading of a hypervisor may take."""
    patience_s: float = 15.0
    """One pass waits for retries that are due within this time, then reports them."""
    look_connect_s: float = 5.0
    """How long a command that only looks waits for an agent."""
    min_replan_s: float = 1.0
    """The same plan is not launched again within this time: a loop that changes nothing must not spin."""
