"""The first program of a lab host: makes its folders its own, starts what it is told, and collects the dead.

Runs as process 1 of the host's PID namespace: when it is killed, all of the host is, as by a power cut. Its argument is
JSON, `{"binds": [[SOURCE, TARGET], ...]}`; each line on its standard input is `{"argv": [...], "log": PATH}`.
"""

import json
import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Set up, then collect ended processes for ever."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    # libvirt's container driver takes the hybrid mount for a hierarchy that it may use, and fails on it.
    subprocess.run(["umount", "-l", "/sys/fs/cgroup/unified"], stderr=subprocess.DEVNULL, check=False)
    for source, target in json.loads(sys.argv[1])["binds"]:
        os.makedirs(target, exist_ok=True)  # noqa: PTH103 - one import less in each host
        subprocess.run(["mount", "--bind", source, target], check=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Thread(target=_obey, daemon=True).start()
    while True:
        signal.sigtimedwait({signal.SIGCHLD}, 1)
        _collect()


def _obey() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        with open(order["log"], "ab") as log:  # noqa: PTH123 - see main
            subprocess.Popen(
                order["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # What it starts must be able to wait for its own children.
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD}) and None,  # noqa: PLW1509 - the only other thread waits for signals
            )


def _collect() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


main()
