"""Reads the declaration: from a git commit, from the files as they are, or from a folder without git.

git is run as a program with no prompts, no hooks and none of the user's configuration; objects are read by their
hash, never from the work tree, so that a half-written file or a checkout under way is never seen.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath

import watchfiles

from reconciler.model.errors import SourceError
from reconciler.model.intent import Source
from reconciler.ports import SourceTree, Wake

SUFFIXES = (".yaml", ".yml", ".xml")
MAX_TREE_BYTES = 20 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
GIT_TIMEOUT_S = 30.0
DEBOUNCE_MS = 50
"""How long files must be quiet before they are read."""


class FolderRepository:
    """A folder that is taken as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self) -> SourceTree:
        """Read the folder's files; again if they changed meanwhile."""
        first = await asyncio.to_thread(_read_folder, self._folder)
        second = await asyncio.to_thread(_read_folder, self._folder)
        while first != second:
            first, second = second, await asyncio.to_thread(_read_folder, self._folder)
        return SourceTree(source=Source(folder=str(self._folder)), files=first)

    async def read_revision(self, revision: str) -> SourceTree:
        """Refuse: a folder has no other revisions."""
        raise SourceError(f"{self._folder} is not in a git repository, so there is no revision {revision}")

    async def watch(self, wake: Wake) -> None:
        """Wake on every change below the folder."""
        async for _ in _changes(self._folder):
            wake()


class GitRepository:
    """A folder inside a git repository, of which the commit counts."""

    def __init__(self, folder: Path, root: Path, revision: str | None, *, git_folder: Path) -> None:
        self._folder = folder
        self.root = root
        self._revision = revision or "HEAD"
        self._git_folder = git_folder
        self.prefix = folder.resolve().relative_to(root.resolve()).as_posix()

    async def read(self) -> SourceTree:
        """Read the present commit of the revision."""
        return await self.read_revision(self._revision)

    async def read_revision(self, revision: str) -> SourceTree:
        """Read all files of a revision, below our folder."""
        if revision.startswith("-"):
            raise SourceError(f"{revision!r} is no revision")
        commit = await self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        name = commit.decode().strip()
        if not name:
            raise SourceError(f"there is no commit {revision!r} in {self.root}; make one, or use --worktree")
        files = await self._files(name)
        is_dirty = revision == self._revision and await self._is_dirty()
        source = Source(folder=str(self._folder), commit=name, revision=revision, is_dirty=is_dirty)
        return SourceTree(source=source, files=files)

    async def watch(self, wake: Wake) -> None:
        """Wake when a ref, or what HEAD points to, may have changed."""
        async for _ in _changes(self._git_folder):
            wake()

    async def _files(self, commit: str) -> dict[str, bytes]:
        prefix = "" if self.prefix == "." else f"{self.prefix}/"
        listing = await self._git("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", prefix or ".")
        wanted: list[tuple[str, str]] = []
        total = 0
        for line in listing.decode("utf-8", "surrogateescape").split("\0"):
            if not line:
                continue
            attributes, _, path = line.partition("\t")
            mode, kind, name, size = attributes.split()
            relative = path[len(prefix) :]
            if kind != "blob" or mode == "120000" or not _is_wanted(relative):
                continue
            total += int(size)
            if int(size) > MAX_FILE_BYTES or total > MAX_TREE_BYTES:
                raise SourceError(
                    f"{relative} is too large: {MAX_FILE_BYTES} bytes a file, {MAX_TREE_BYTES} in all"
                )
            wanted.append((relative, name))
        return await self._blobs(wanted)

    async def _blobs(self, wanted: list[tuple[str, str]]) -> dict[str, bytes]:
        """Read many objects with one git (cat-file --batch: NAME TYPE SIZE, newline, content, newline)."""
        request = "".join(f"{name}\n" for _, name in wanted).encode()
        answer = await self._git("cat-file", "--batch", stdin=request)
        files: dict[str, bytes] = {}
        offset = 0
        for path, name in wanted:
            end = answer.index(b"\n", offset)
            size = int(answer[offset:end].split()[2])
            if not answer[offset:end].startswith(name.encode()):
                raise SourceError(f"git answered for another object than {path}")
            files[path] = answer[end + 1 : end + 1 + size]
            offset = end + 1 + size + 1
        return files

    async def _is_dirty(self) -> bool:
        status = await self._git(
            "status", "--porcelain", "-z", "--untracked-files=all", "--", str(self._folder)
        )
        return any(_is_wanted(entry[3:]) for entry in status.decode("utf-8", "replace").split("\0") if entry)

    async def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return await run_git(self.root, *arguments, stdin=stdin)


async def open_repository(
    folder: Path, *, revision: str | None = None, is_worktree: bool = False
) -> FolderRepository | GitRepository:
    """Return the repository that a folder stands for.

    Args:
        folder: what `-C` names.
        revision: follow this branch, tag or commit instead of HEAD.
        is_worktree: take the files as they are, commits or not.

    Raises:
        SourceError: there is no such folder, or a revision was named where there is no git.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    root = None if is_worktree else await _find_root(folder)
    if root is None:
        if revision is not None and not is_worktree:
            raise SourceError(f"{folder} is not in a git repository, so there is no revision {revision}")
        return FolderRepository(folder)
    git_folder = (
        (await run_git(root, "rev-parse", "--path-format=absolute", "--git-common-dir")).decode().strip()
    )
    return GitRepository(folder, root, revision, git_folder=Path(git_folder))


async def run_git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git and return what it printed; quiet lookups that find nothing return nothing.

    Raises:
        SourceError: git is missing, failed, or took too long.
    """
    command = [
        "git",
        "-c",
        f"safe.directory={root}",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
    ]
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            "-C",
            str(root),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed; install it with: apt-get install git") from error
    try:
        async with asyncio.timeout(GIT_TIMEOUT_S):
            out, err = await process.communicate(stdin)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise SourceError(f"git {arguments[0]} took longer than {GIT_TIMEOUT_S:g} s") from error
    is_lookup = "--quiet" in arguments
    if process.returncode and not is_lookup:
        text = err.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise SourceError(f"git {arguments[0]}: {text}")
    return out


async def _find_root(folder: Path) -> Path | None:
    """Return the top of the work tree that a folder is in; None without one."""
    for candidate in [folder.resolve(), *folder.resolve().parents]:
        if (candidate / ".git").exists():
            return candidate
    return None


def _read_folder(folder: Path) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if not _is_wanted(relative) or path.is_symlink() or not path.is_file():
            continue
        try:
            total += path.stat().st_size
            if path.stat().st_size > MAX_FILE_BYTES or total > MAX_TREE_BYTES:
                raise SourceError(
                    f"{relative} is too large: {MAX_FILE_BYTES} bytes a file, {MAX_TREE_BYTES} in all"
                )
            files[relative] = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{relative}: {error.strerror}") from error
    return files


def _is_wanted(path: str) -> bool:
    """Tell whether a path, relative to the folder, can be part of the declaration."""
    parts = PurePosixPath(path).parts
    return path.endswith(SUFFIXES) and not any(part.startswith(".") for part in parts)


async def _changes(folder: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    try:
        async for _ in watchfiles.awatch(
            folder,
            stop_event=stop,
            debounce=DEBOUNCE_MS * 4,
            step=DEBOUNCE_MS,
            recursive=True,
            watch_filter=None,
        ):
            yield
    finally:
        stop.set()
