"""What wakes who watches a repository or a folder, and what does not."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from watchfiles._rust_notify import RustNotify

from reconciler.world import git
from reconciler.world.git import FolderRepository, GitRepository, open_repository
from tests.world.test_git import PATIENCE_S, in_folder, read, root

__all__ = ["root"]


async def wakes(
    repository: GitRepository | FolderRepository,
    change: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
    limit_s: float = PATIENCE_S,
) -> bool:
    """Tell whether a watch wakes for a change, before the limit."""
    woken, watching = asyncio.Event(), asyncio.Event()

    def begin(*arguments: Any) -> Any:
        begun = RustNotify(*arguments)
        watching.set()  # what is changed before this is no change to it
        return begun

    monkeypatch.setattr(watchfiles.main, "RustNotify", begin)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(repository.watch(woken.set))
        async with asyncio.timeout(PATIENCE_S):
            await watching.wait()
        await asyncio.to_thread(change)
        try:
            async with asyncio.timeout(limit_s):
                await woken.wait()
        except TimeoutError:
            pass
        task.cancel()
    return woken.is_set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "want"),
    [
        (lambda root: in_folder(root, "commit", "-q", "--allow-empty", "-m", "x"), True),
        (lambda root: in_folder(root, "checkout", "-q", "-b", "other"), True),
        (lambda root: in_folder(root, "pack-refs", "--all"), True),
        (read, False),
        (lambda root: in_folder(root, "log", "--oneline"), False),
        (lambda root: (root / "a.yaml").write_text("a: 9\n"), False),
    ],
    ids=["commit", "checkout", "pack-refs", "our reading", "their reading", "an edit"],
)
def test_a_repository_wakes_on_commits_and_not_on_reads(
    root: Path, change: Callable[[Path], object], want: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> bool:
        repository = await open_repository(root)
        # That nothing comes is waited for as long as something usually takes many times over.
        return await wakes(repository, lambda: change(root), monkeypatch, PATIENCE_S if want else 1.0)

    assert asyncio.run(run()) is want


@pytest.mark.slow
def test_a_folder_wakes_on_every_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")

    async def run() -> bool:
        repository = await open_repository(tmp_path)
        return await wakes(repository, lambda: (tmp_path / "a.yaml").write_text("a: 2\n"), monkeypatch)

    assert asyncio.run(run())


def test_a_watch_that_cannot_be_made_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = FolderRepository(tmp_path / "gone")
    monkeypatch.setattr(git, "WATCH_RETRY_S", 0.01)
    woken: asyncio.Queue[None] = asyncio.Queue()

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            watching = group.create_task(repository.watch(lambda: woken.put_nowait(None)))
            for _ in range(2):
                await woken.get()
            watching.cancel()

    asyncio.run(run())
