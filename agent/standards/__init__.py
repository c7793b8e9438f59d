"""Resource agents of other kinds, put behind OCF exit codes: systemd units and LSB init scripts.

Each module has a `run(action, name) -> exit code` that is called in a process of its own.
"""
