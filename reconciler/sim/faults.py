"""What may happen to us, and how often: every kind of fault of a simulation, on one page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The odds of everything that goes wrong, and how long it stays wrong.

    Odds are of each single occasion (an operation, a message, an event), from 0 to 1. Weights say how often one kind
    of incident happens compared with the others; between two incidents pass `incident_s` seconds.
    """

    # Operations of resource agents.
    start_fails: float = 0.06
    start_fails_running: float = 0.3
    """Of failed starts: the resource runs all the same."""
    stop_fails: float = 0.01
    migration_fails: float = 0.1
    """Of a live migration, each half; it may have had its effect all the same."""
    operation_hangs: float = 0.02
    """It runs into its timeout; a start or stop may have had its effect by then."""
    monitor_lies: float = 0.003
    """A monitor fails though all is well."""
    operation_s: tuple[float, float] = (0.1, 6.0)
    monitor_s: tuple[float, float] = (0.05, 0.3)

    # Hypervisors.
    guest_start_fails: float = 0.06
    guest_stop_fails: float = 0.02
    hypervisor_call_lost: float = 0.04
    """The connection breaks in the middle of a call; what was asked for happens, or not."""
    event_lost: float = 0.15
    event_repeated: float = 0.1
    event_delay_s: tuple[float, float] = (0.0, 3.0)
    guest_start_s: tuple[float, float] = (0.3, 8.0)
    guest_stop_s: tuple[float, float] = (0.2, 20.0)
    boot_s: tuple[float, float] = (0.5, 25.0)
    """From the start of a guest until its agent listens."""
    listing_s: tuple[float, float] = (0.005, 0.5)

    # Links.
    meta_data_at_once: bool = False
    """Resource agents are asked what they say of themselves without any time passing. So it was when the first seeds
    found something: with it they make the same worlds still."""
    latency_s: tuple[float, float] = (0.001, 0.04)
    report_repeated: float = 0.05
    """A monitor's change is told twice."""

    # The repository.
    read_fails: float = 0.1
    commit_seen_s: tuple[float, float] = (0.1, 2.0)

    # Declarations. What is not always there would make other worlds of the seeds that have found something.
    has_migrations: bool = False
    """Resources allow live migration."""
    has_remote_nodes: bool = False
    """There are machines of which only the agent counts, ours or the distribution's."""

    # Incidents, by weight.
    incident_s: tuple[float, float] = (1.0, 25.0)
    crash_resource: int = 8
    crash_guest: int = 5
    hang_guest: int = 2
    """Its domain is there and does not work (paused, crashed)."""
    kill_agent: int = 4
    break_link: int = 5
    cut_off_node: int = 4
    """Nothing gets through to a node, without anybody being told."""
    hang_agent: int = 3
    """The agent takes connections and answers nothing."""
    wrong_key: int = 1
    kill_controller: int = 6
    kill_controller_in_call: int = 6
    """The controller dies at its next call of a port, before or after its effect."""
    lose_journal: int = 1
    """With the controller's death."""
    cut_off_hypervisor: int = 4
    reboot_host: int = 2
    commit: int = 8
    commit_bad: int = 3
    set_clock: int = 1
    """The wall clock is set forward or back."""
    set_attribute: int = 0
    """A program on a node says something of it. Off unless asked for: with one kind more, seeds that have found
    something would make other worlds."""
    leave_agent: int = 0
    """An agent is asked to stop, and comes back some time after it has. Off unless asked for, for the same reason."""
    adopt_machine: int = 0
    """A person gives us a machine whose stock agent may be another cluster's."""
    outage_s: tuple[float, float] = (0.5, 50.0)
    """How long something stays away."""
    controller_away_s: tuple[float, float] = (0.0, 15.0)

    def incidents(self) -> tuple[tuple[str, int], ...]:
        """Return the kinds of incidents with their weights."""
        names = (
            "crash_resource", "crash_guest", "hang_guest", "kill_agent", "break_link", "cut_off_node", "hang_agent",
            "wrong_key", "kill_controller", "kill_controller_in_call", "lose_journal", "cut_off_hypervisor",
            "reboot_host", "commit", "commit_bad", "set_clock", "set_attribute", "leave_agent",
            "adopt_machine",
        )  # fmt: skip
        return tuple((name, getattr(self, name)) for name in names)


WORLDS: Mapping[str, Faults] = {
    "usual": Faults(),
    "at-once": Faults(meta_data_at_once=True),
    "migrating": Faults(
        has_migrations=True, commit=60, kill_controller_in_call=25, break_link=20, kill_agent=15
    ),
    "talkative": Faults(set_attribute=40),
    "leaving": Faults(has_remote_nodes=True, leave_agent=12, adopt_machine=10),
}
"""Kinds of worlds by name: what is not in all of them, and what happens more often in them than usual."""


def without_faults(faults: Faults) -> Faults:
    """Return a world in which everything still takes its time, and nothing goes wrong."""
    return replace(
        faults,
        start_fails=0.0,
        stop_fails=0.0,
        migration_fails=0.0,
        operation_hangs=0.0,
        monitor_lies=0.0,
        guest_start_fails=0.0,
        guest_stop_fails=0.0,
        hypervisor_call_lost=0.0,
        event_lost=0.0,
        event_repeated=0.0,
        report_repeated=0.0,
        read_fails=0.0,
    )
