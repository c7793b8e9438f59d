"""The command `reconcile`: options that all commands share, and where each command is found.

Nothing heavy is imported here: `reconcile --help` must be instant.
"""

import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from reconciler.cli.collection import collect_rarely
from reconciler.cli.exits import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE
from reconciler.cli.options import Options, shared

_COMMANDS = {
    "adopt": "orders:adopt",
    "allow-destroy": "orders:allow_destroy",
    "cleanup": "orders:cleanup",
    "confirm-fenced": "orders:confirm_fenced",
    "import": "import_cib:import_cib",
    "key": "key:key",
    "logs": "logs:logs",
    "plan": "plan:plan",
    "replay": "replay:replay",
    "restart": "orders:restart",
    "schema": "schema:schema",
    "simulate": "simulate:simulate",
    "status": "status:status",
    "stop-all": "orders:stop_everything",
    "ticket": "ticket:ticket",
    "validate": "validate:validate",
    "why": "why:why",
}

_EPILOG = """\b
Examples:
  reconcile -C examples/quickstart           one pass: make the world as declared
  reconcile -C examples/quickstart --watch   the daemon: follow every commit
  reconcile plan                             what would be done, and why
  reconcile plan --against origin/main       what this branch changes, for pull requests
  reconcile status -o json                   what is, as JSON
\b
Exit codes: 0 fine, 1 an error, or something declared is failed, blocked or
unknown, 2 plan --detailed-exitcode found changes, 3 refused by --fail-on or a
gate, 64 the command line is wrong.
"""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Return a command by name."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: Any = getattr(import_module(f"reconciler.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in sorted(_COMMANDS)])


_SUMMARIES = {
    "adopt": "Take what runs with unknown parameters as what is declared.",
    "allow-destroy": "Let the removal of a guest through its gate.",
    "cleanup": "Forget a resource's failures, so that it is tried again.",
    "confirm-fenced": "Confirm that a host is dead, so that its guests are recovered.",
    "import": "Write the YAML that asks for what a Pacemaker CIB asks for.",
    "key": "Make and show the keys of nodes.",
    "logs": "Show a resource's last results with their output.",
    "plan": "Show what would be done, and why.",
    "replay": "Run the planner again on a saved input.",
    "restart": "Stop a resource and start it again.",
    "schema": "Print the JSON Schema of the YAML documents.",
    "simulate": "Let hosts, guests or resources fail on paper; or plan for a Pacemaker CIB.",
    "status": "Show what is, in one screen or as JSON.",
    "stop-all": "Stop everything that is declared, guests included.",
    "ticket": "Grant and revoke tickets, by which one of several sites runs something.",
    "validate": "Check the YAML, offline, and show every problem.",
    "why": "Say why a resource is where it is: each node's score by its terms.",
}


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "obj": Options()},
)
@shared
@click.option("--watch", is_flag=True, help="Go on: follow every commit, and keep everything running.")
@click.option("--dry-run", is_flag=True, help="The same as `plan`.")
@click.version_option(package_name="reconciler", prog_name="reconcile")
@click.pass_context
def reconcile(ctx: click.Context, *, watch: bool, dry_run: bool) -> None:
    """Make guests, and the resources on hosts and in guests, as a git repository declares them.

    Without a command, one pass: acts until the world is as asked or nothing more can be done, then prints the status.
    """
    from reconciler.cli.logs_setup import set_up_logging  # noqa: PLC0415  --help needs no logging

    ctx.color = False if os.environ.get("NO_COLOR") else None
    set_up_logging(ctx.obj.verbose)
    if ctx.invoked_subcommand is not None:
        if watch or dry_run:
            raise click.UsageError("--watch and --dry-run go without a command")
        return
    if watch and dry_run:
        raise click.UsageError("--watch and --dry-run exclude each other")
    if dry_run:
        from reconciler.cli.plan import plan  # noqa: PLC0415  heavy imports belong to the command

        ctx.invoke(plan)
        return
    from reconciler.cli.run import run  # noqa: PLC0415  heavy imports belong to the command

    ctx.exit(run(ctx.obj, is_daemon=watch))


def main() -> NoReturn:
    """Run the command line and exit with a code of the contract."""
    from reconciler.model.errors import ReconcilerError  # noqa: PLC0415  not needed for --help

    collect_rarely()
    try:
        code = reconcile.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what runs goes on", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        # Whoever read has read enough; what is still buffered must not be an error when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (ReconcilerError, BaseExceptionGroup) as error:
        sys.exit(_refuse(error))
    sys.exit(code if isinstance(code, int) else 0)


def _refuse(error: BaseException) -> int:
    """Print errors that we answer for, and return the exit code; raise what is a defect."""
    from reconciler.model.errors import ReconcilerError, UsageError  # noqa: PLC0415  not needed for --help

    found = _leaves(error)
    if not all(isinstance(leaf, ReconcilerError) for leaf in found):
        raise error
    for text in sorted({str(leaf) for leaf in found}):
        click.echo(f"error: {text}", err=True)
    return EXIT_USAGE if all(isinstance(leaf, UsageError) for leaf in found) else EXIT_ERROR


def _leaves(error: BaseException) -> list[BaseException]:
    """Return the errors in a group of groups, such as nested task groups raise."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
