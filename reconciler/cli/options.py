"""The options that all commands share: given before the command or after it, as people write them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What all commands are told: where the declaration is, which state of it counts, and how much to say."""

    folder: Path = Path()
    state: Path | None = None
    revision: str | None = None
    worktree: bool = False
    verbose: int = 0


def _take(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401  click's signature
    """Keep a value that was given; what stands after the command wins over what stands before."""
    from reconciler.cli.logs_setup import set_up_logging  # noqa: PLC0415  --help needs no logging

    assert parameter.name is not None
    if ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
        ctx.obj = replace(ctx.obj, **{parameter.name: value})
        set_up_logging(ctx.obj.verbose)


_option = partial(click.option, callback=_take, expose_value=False)
_folder = click.Path(path_type=Path)

_SHARED = (
    _option(
        "-C",
        "folder",
        type=_folder,
        metavar="DIR",
        help="The folder with the declaration (default: the current one).",
    ),
    _option("--state", type=_folder, metavar="DIR", help="The folder with this cluster's state."),
    _option("--revision", metavar="REV", help="Follow this branch, tag or commit instead of HEAD."),
    _option("--worktree", is_flag=True, help="Take the files as they are, committed or not."),
    _option("-v", "--verbose", count=True, help="Log more; twice for everything."),
)


def shared(command: _Command) -> _Command:
    """Give a command the options that all share; `ctx.obj` is an `Options` with what was given."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass a command the `Options` as its first argument, given before or after its name."""
    return shared(click.pass_obj(command))
