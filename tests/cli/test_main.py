import importlib
import logging
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconciler.cli import main as main_module
from reconciler.cli.main import LazyGroup, reconcile
from reconciler.model.errors import ReconcilerError, StateError, UsageError
from tests.cli.conftest import Run

HEAVY = (
    "pydantic",
    "ruamel",
    "libvirt",
    "lxml",
    "watchfiles",
    "cryptography",
    "rich",
    "asyncio",
    "sqlite3",
    "ssl",
)
COMMANDS = reconcile.list_commands(click.Context(reconcile))


def commands() -> dict[str, click.Command]:
    """Every command by its whole name, groups taken apart."""
    context = click.Context(reconcile)
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = reconcile.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": each for inner, each in command.commands.items()}
        else:
            found[name] = command
    return found


@pytest.fixture(autouse=True)
def same_logging() -> None:
    """Commands set logging up anew."""
    logging.getLogger().handlers = []


def test_help_lists_every_command_and_every_exit_code(bare: Run) -> None:
    done = bare("--help")
    assert (done.code, done.err) == (0, "")
    assert [name for name in COMMANDS if f"\n  {name} " not in done.out] == []
    assert "reconcile -C examples/quickstart --watch" in done.out
    assert "0 fine, 1 an error" in done.out
    assert bare("-h").out == done.out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_what_only_reads_the_command_line_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['reconcile', *{arguments or ['no-such-command']!r}]\n"
        "from reconciler.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print('MODULES', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.rpartition("MODULES ")[2].split()}
    assert sorted(loaded & set(HEAVY)) == []


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help_with_an_example(bare: Run, name: str) -> None:
    done = bare(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert "Example" in done.out
    assert f"reconcile {name}" in done.out.replace("-C examples/quickstart ", "").replace("--worktree ", "")


def test_every_command_is_summarized() -> None:
    assert sorted(main_module._SUMMARIES) == sorted(main_module._COMMANDS) == COMMANDS


def test_every_command_module_is_there() -> None:
    for place in main_module._COMMANDS.values():
        module, _, attribute = place.partition(":")
        assert hasattr(importlib.import_module(f"reconciler.cli.{module}"), attribute)


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["--no-such-option"],
        ["-C"],
        ["status", "--no-such-option"],
        ["status", "-o", "xml"],
        ["status", "surplus"],
        ["plan", "--fail-on", "nothing"],
        ["plan", "-o", "yaml"],
        ["logs"],
        ["logs", "FAKE", "-n", "0"],
        ["restart"],
        ["schema", "nope"],
        ["key", "nope"],
        ["replay", "/nonexistent/file.json"],
        ["--watch", "status"],
        ["--dry-run", "status"],
        ["--watch", "--dry-run"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_64_and_said_on_stderr(cli: Run, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (64, "")
    assert "rror: " in done.err


def test_an_error_is_1_and_said_on_stderr(bare: Run, tmp_path: Path) -> None:
    done = bare("-C", str(tmp_path / "nope"), "status")
    assert (done.code, done.out, done.err) == (1, "", f"error: {tmp_path}/nope is not a folder\n")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (StateError("locked"), 1, "error: locked\n"),
        (UsageError("no such thing"), 64, "error: no such thing\n"),
        (ExceptionGroup("", [ExceptionGroup("", [StateError("full")])]), 1, "error: full\n"),
        (ExceptionGroup("", [UsageError("b"), ReconcilerError("a")]), 1, "error: a\nerror: b\n"),
        (ExceptionGroup("", [UsageError("b"), UsageError("b")]), 64, "error: b\n"),
        (KeyboardInterrupt(), 130, "interrupted; what runs goes on\n"),
        (click.ClickException("cannot"), 1, "Error: cannot\n"),
    ],
)
def test_errors_become_exit_codes(
    bare: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, text: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(LazyGroup, "main", fail)
    monkeypatch.setattr(main_module.reconcile, "main", fail)
    done = bare()
    assert (done.code, done.err) == (code, text)


def test_a_defect_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ExceptionGroup("", [StateError("x"), ValueError("a defect")])

    monkeypatch.setattr(main_module.reconcile, "main", fail)
    with pytest.raises(ExceptionGroup):
        main_module.main()


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    command = f"{sys.executable} -m reconciler schema | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_dry_run_is_plan(cli: Run) -> None:
    assert cli("--dry-run") == cli("plan")


@pytest.mark.parametrize(("value", "want"), [("1", False), ("", None)])
def test_no_color_is_heard(monkeypatch: pytest.MonkeyPatch, value: str, want: bool | None) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    context = reconcile.make_context("reconcile", ["schema"])
    with context:
        assert reconcile.callback is not None
        context.invoked_subcommand = "schema"
        context.invoke(reconcile.callback, **context.params)
        assert context.color is want


def test_verbosity_holds_for_every_command(cli: Run) -> None:
    cli("-vv", "schema")
    assert logging.getLogger("reconciler").level == logging.DEBUG
    cli("schema")
    assert logging.getLogger("reconciler").level == logging.WARNING
