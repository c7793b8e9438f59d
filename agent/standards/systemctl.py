"""systemd asked by its program systemctl(1). Must not block on a password prompt or a pager."""

from __future__ import annotations

from agent.standards import commands

SYSTEMCTL = "systemctl"
"""Found on the PATH that the environment of every operation has."""

_OPTIONS = ("--no-pager", "--no-ask-password")


class Systemctl:
    """What `systemd` needs of a manager, by a program."""

    def show(self, unit: str, names: tuple[str, ...]) -> dict[str, str]:
        """Read properties of a unit; those that it does not have are missing."""
        words = (SYSTEMCTL, *_OPTIONS, "show", "-p", ",".join(names), "--", unit)
        output = commands.run(words, keep_output=True).output
        pairs = (line.partition("=") for line in output.splitlines())
        return {name: value for name, _, value in pairs}

    def act(self, verb: str, unit: str) -> str:
        """Start, stop, reload or reset-failed a unit and wait; return what went wrong, or nothing."""
        code = commands.run((SYSTEMCTL, *_OPTIONS, verb, "--", unit)).exit_code
        return f"systemctl {verb} {unit} exited with {code}" if code else ""
