"""Settings of the loop and the timers of links, each with its unit."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The timers of one link, all made from the time within which a hung agent is to be known."""

    heartbeat_s: float
    """Between heartbeats."""
    silence_s: float
    """Without a single byte, after which the agent counts as lost."""
    unacknowledged_ms: int
    """What was sent and not acknowledged for so long ends the connection (TCP's user timeout)."""
    connect_s: float
    """For one attempt of a TCP connection."""
    handshake_s: float
    """For one TLS handshake."""
    retry_s: float
    """Between attempts."""


def pace_of(detect_ms: int) -> Pace:
    """Return the timers by which a hung agent is known within `detect_ms`.

    Four of five heartbeats may stay out; the fifth part is left for our own delays.
    """
    budget_s = detect_ms / 1000
    beat_s = budget_s / 5
    return Pace(
        heartbeat_s=beat_s,
        silence_s=4 * beat_s,
        unacknowledged_ms=detect_ms,
        connect_s=budget_s,
        handshake_s=budget_s,
        retry_s=beat_s,
    )
