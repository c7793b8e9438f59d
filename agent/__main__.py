"""The agent's command line: `serve`, `ocf TYPE ACTION` and `version`."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from agent import VERSION

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

EXIT_ERROR = 1
EXIT_USAGE = 64  # sysexits.h, EX_USAGE

_HELP_WIDTH = 100

_KEY_CHANNEL_HELP = (
    "a virtio-serial port through which the host sends a new key, such as"
    " /dev/virtio-ports/org.reconciler.key.0; without it, a new one is looked for in FILE.next"
)

_EXAMPLES = """\
examples:
  # on a guest or host, reached over the network:
  python3 -I -S agent.pyz serve --listen 0.0.0.0:3121 --key-file /etc/reconciler/authkey --node guest1 \\
      --state /run/reconciler-agent

  # beside its controller, without a network:
  python3 -I -S agent.pyz serve --unix /run/reconciler/agent.sock --node host1 --state /run/reconciler-agent

  # only for nginx and what comes with the agent, whatever a controller asks for:
  python3 -I -S agent.pyz serve --listen 0.0.0.0:3121 --key-file /etc/reconciler/authkey \\
      --state /run/reconciler-agent --allow systemd:nginx --allow 'ocf:reconciler:*'

  # as the only program of a container:
  python3 -I -S agent.pyz serve --init --listen '[::]:3121' --key-file /etc/reconciler/authkey \\
      --state /run/reconciler-agent

  # in a virtual machine, with the key from QEMU's fw_cfg and new ones through a channel:
  python3 -I -S agent.pyz serve --listen 0.0.0.0:3121 --state /run/reconciler-agent \\
      --key-file /sys/firmware/qemu_fw_cfg/by_name/opt/reconciler/authkey/raw \\
      --key-channel /dev/virtio-ports/org.reconciler.key.0

  # in a resource agent: how well this node suits the resource's promotion
  python3 -I -S agent.pyz attribute --promotion --value 10

  # a resource agent by hand:
  OCF_RESKEY_command='sleep 1h' OCF_RESOURCE_INSTANCE=web HA_RSCTMP=/tmp \\
      python3 -I -S agent.pyz ocf Process start
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; returns the exit code of the process."""
    # Nothing that a start makes is garbage, and looking for it takes a tenth of the time until we listen.
    gc.disable()
    _open_standard_files()
    options = _parse(list(sys.argv[1:] if arguments is None else arguments))
    if options.command == "version":
        print(VERSION)  # noqa: T201 - the command's result
        return 0
    if options.command == "ocf":
        from agent import ocf  # noqa: PLC0415 - not loaded by the server

        function = ocf.find(options.type)
        assert function is not None, "argparse allows known types only"
        return function(options.action)
    if options.command == "attribute":
        from agent import attribute  # noqa: PLC0415 - not loaded by the server

        return attribute.run(
            options.name, options.value, is_query=options.query, is_promotion=options.promotion
        )
    return _serve(options)


class _Options:
    """The values of the command line; those that a command does not have are missing."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as in argparse
        raise AttributeError(name)


def _parse(words: Sequence[str]) -> _Options:
    """Parse the command line, and forget the parser: what it took is used again by what is loaded next."""
    options = _Options(vars(_parser().parse_args(words)))
    for name in ("argparse", "gettext"):
        sys.modules.pop(name, None)
    gc.collect()
    return options


def _open_standard_files() -> None:
    """Fill the places of stdin, stdout and stderr if we were started without: a socket must not get there."""
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free place, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _absolute(path: str) -> Path:
    """Take a path from the command line; resource agents have another working directory."""
    return Path(path).absolute()


def _serve(options: _Options) -> int:
    from agent.keys import KeyFileError  # noqa: PLC0415 - not loaded by the other commands
    from agent.listeners import ListenError  # noqa: PLC0415 - likewise
    from agent.server import Server, Settings  # noqa: PLC0415 - likewise
    from agent.state_folder import StateError  # noqa: PLC0415 - likewise

    settings = Settings(
        listen=options.listen,
        key_file=options.key_file,
        key_channel=options.key_channel,
        identity=options.identity,
        unix=options.unix,
        node=options.node,
        state=options.state,
        ocf_root=options.ocf_root,
        allowed=tuple(options.allow),
        allows_tls12=options.tls12,
        is_init=options.init,
        drain_limit_s=options.drain_limit,
        programs=options.serve_programs,
    )
    if not (settings.listen or settings.unix):
        return _complain(
            "say where to listen: --listen HOST:PORT with --key-file FILE, or --unix PATH", EXIT_USAGE
        )
    if settings.listen and settings.key_file is None:
        return _complain(
            "--listen needs --key-file FILE: nothing is served over a network without a key", EXIT_USAGE
        )
    try:
        server = Server(settings)
        gc.enable()
        return server.run()
    except (KeyFileError, ListenError, StateError) as error:
        return _complain(str(error), EXIT_ERROR)


def _parser() -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415 - the first thing that is needed and the last to be loaded

    from agent import ocf  # noqa: PLC0415 - likewise

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\nsee {self.prog} --help\n")

    class Form(argparse.RawDescriptionHelpFormatter):
        def __init__(self, prog: str) -> None:
            # Asking for the terminal's width would load shutil and, with it, two compression libraries.
            super().__init__(prog, width=_HELP_WIDTH)

    parser = Parser(
        prog="reconciler-agent",
        description="Carries out operations on resources for a controller, by Pacemaker's remote protocol.",
        epilog=_EXAMPLES,
        formatter_class=Form,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_serve_options(
        commands.add_parser(
            "serve", help="serve controllers", epilog=_EXAMPLES, formatter_class=Form
        ).add_argument
    )
    one = commands.add_parser("ocf", help="run a bundled resource agent", formatter_class=Form)
    one.add_argument("type", metavar="TYPE", choices=ocf.types(), help=" or ".join(ocf.types()))
    one.add_argument("action", metavar="ACTION", help="start, stop, monitor, meta-data, validate-all, ...")
    own = commands.add_parser("attribute", help="set or tell an attribute of this node", formatter_class=Form)
    own.add_argument("name", metavar="NAME", nargs="?", default="", help="of the attribute, or the resource")
    own.add_argument(
        "--promotion", action="store_true", help="the promotion score of the resource that calls, or NAME"
    )
    how = own.add_mutually_exclusive_group(required=True)
    how.add_argument("--value", metavar="VALUE", help="set it, until this node's next boot")
    how.add_argument("--delete", action="store_true", help="remove it")
    how.add_argument("--query", action="store_true", help="print it; exit code 105: there is none")
    commands.add_parser("version", help="print the version", formatter_class=Form)
    return parser


def _add_serve_options(add: Callable[..., object]) -> None:
    """Add the options of `serve`."""
    add("--listen", metavar="HOST:PORT", default="", help="TCP with TLS-PSK; port 0 takes a free one")
    add(
        "--key-file",
        metavar="FILE",
        type=_absolute,
        help="the raw key, 16 bytes or more, read at each handshake",
    )
    add("--key-channel", metavar="PORT", type=_absolute, help=_KEY_CHANNEL_HELP)
    add("--identity", metavar="NAME", default="lrmd", help="PSK identity (default: %(default)s, Pacemaker's)")
    add("--unix", metavar="PATH", type=_absolute, help="a Unix socket, without TLS, for root and this user")
    add("--node", metavar="NAME", default="", help="this node's name, told to clients and resource agents")
    add(
        "--state",
        metavar="DIR",
        type=_absolute,
        required=True,
        help="where start records are kept; best a tmpfs",
    )
    add(
        "--ocf-root",
        metavar="DIR",
        type=_absolute,
        default=Path("/usr/lib/ocf"),
        help="(default: %(default)s)",
    )
    add(
        "--allow",
        metavar="AGENT",
        action="append",
        default=[],
        help="a resource agent that may run, with * for any text: 'ocf:heartbeat:*'; repeat it; default: all",
    )
    add("--tls12", action="store_true", help="also accept TLS 1.2, for clients with GnuTLS before 3.6.3")
    add(
        "--drain-limit",
        metavar="SECONDS",
        type=float,
        default=80.0,
        help="how long a stop waits for the controller to empty this node first; keep it below "
        "systemd's TimeoutStopSec (default: %(default)g)",
    )
    add("--init", action="store_true", help="reap orphans, and end all processes when ended: for containers")
    add(
        "--serve-programs",
        metavar="PREFIX",
        nargs="?",
        const="",
        help="pass on to the controller what crm_attribute, attrd_updater, crm_node, crm_mon and cibadmin ask here; "
        "with a PREFIX before the names of the sockets, those programs do not find them",
    )


def _complain(text: str, exit_code: int) -> int:
    sys.stderr.write(f"reconciler-agent: error: {text}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
