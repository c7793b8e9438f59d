"""From the options to the declaration and its state folder."""

from dataclasses import dataclass

import click

from reconciler.act.abilities import feasible
from reconciler.cli.options import Options
from reconciler.load.load import Loaded, load
from reconciler.model.errors import ReconcilerError
from reconciler.model.intent import Intent
from reconciler.model.problem import Problem
from reconciler.ports import SourceTree
from reconciler.world.assemble import Repository
from reconciler.world.git import open_repository
from reconciler.world.state_folder import StateFolder, find_bound, state_folder

MAX_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a command is about."""

    repository: Repository
    tree: SourceTree
    loaded: Loaded
    state: StateFolder


class InvalidDeclarationError(ReconcilerError):
    """The declaration has errors, which have been shown."""


async def find_target(options: Options) -> Target:
    """Read the declaration and find its state; errors in it do not hinder where a state is bound to the folder.

    Raises:
        SourceError: there is nothing to read.
        InvalidDeclarationError: it has errors, and no state tells which cluster it is about.
    """
    repository = await open_repository(
        options.folder, revision=options.revision, is_worktree=options.worktree
    )
    tree = await repository.read()
    loaded = load(tree.files)
    if options.state is not None:
        state = state_folder(None, options.state)
    elif loaded.intent is not None:
        state = state_folder(loaded.intent.cluster.name, None)
    else:
        found = find_bound(options.folder)
        if found is None:
            show_problems(loaded.problems)
            raise InvalidDeclarationError(count_problems(loaded.problems))
        state = found
    return Target(repository=repository, tree=tree, loaded=loaded, state=state)


def valid_intent(loaded: Loaded, prefix: str = "") -> Intent:
    """Return what is declared, as far as it can be carried out.

    Raises:
        InvalidDeclarationError: it has errors, which are shown; `prefix` says what has.
    """
    if loaded.intent is None:
        show_problems(loaded.problems)
        raise InvalidDeclarationError(prefix + count_problems(loaded.problems))
    return feasible(loaded.intent)


def show_problems(problems: tuple[Problem, ...]) -> None:
    """Print problems to stderr, at most a screenful."""
    for problem in problems[:MAX_SHOWN_PROBLEMS]:
        click.echo(str(problem), err=True)
    if len(problems) > MAX_SHOWN_PROBLEMS:
        click.echo(f"... and {len(problems) - MAX_SHOWN_PROBLEMS} more", err=True)


def count_problems(problems: tuple[Problem, ...]) -> str:
    """Say how many errors and warnings there are."""
    errors = sum(p.severity == "error" for p in problems)
    warnings = len(problems) - errors
    parts = [f"{errors} error{'s' if errors != 1 else ''}"]
    if warnings:
        parts.append(f"{warnings} warning{'s' if warnings != 1 else ''}")
    return ", ".join(parts)


def dirty_note(tree: SourceTree) -> tuple[str, ...]:
    """Return the note that uncommitted changes are being left out, if they are."""
    if tree.source.is_dirty and tree.source.commit:
        return ("uncommitted changes are left out; commit them, or use --worktree",)
    return ()
