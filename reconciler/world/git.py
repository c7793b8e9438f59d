"""Reads the declaration: from a git commit, from the files as they are, or from a folder without git.

git is run as a program with no prompts, no hooks and none of the user's configuration; objects are read by their
hash, never from the work tree, so that a half-written file or a checkout under way is never seen.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath

import watchfiles

from reconciler.model.errors import SourceError
from reconciler.model.intent import Source
from reconciler.ports import SourceTree, Wake

log = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml", ".xml")
MAX_TREE_BYTES = 20 * 1024 * 1024
MAX_FILE_BYTES = 5 * 1024 * 1024
GIT_TIMEOUT_S = 30.0
DEBOUNCE_MS = 50
"""How long files must be quiet before they are read."""
MAX_READINGS = 20
"""Of a folder that changes while it is read."""
WATCH_RETRY_S = 10.0
"""After a watch could not be made, for want of the folder or of inotify watches."""


class FolderRepository:
    """A folder that is taken as it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self) -> SourceTree:
        """Read the folder's files; again if they changed meanwhile."""
        before = await asyncio.to_thread(_read_folder, self._folder)
        for _ in range(MAX_READINGS):
            files = await asyncio.to_thread(_read_folder, self._folder)
            if files == before:
                return SourceTree(source=Source(folder=str(self._folder)), files=files)
            before = files
        raise SourceError(f"{self._folder} changes faster than it can be read; commit it to git instead")

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
        listing = await self._git(
            *("--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", prefix or ".")
        )
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
            if not size.isdigit():  # git prints BAD for an object that it does not have
                raise SourceError(_damaged(relative, self.root))
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
            end = answer.find(b"\n", offset)
            head = answer[offset:end].split()
            if len(head) != 3 or head[0] != name.encode():
                raise SourceError(_damaged(path, self.root))
            size = int(head[2])
            files[path] = answer[end + 1 : end + 1 + size]
            offset = end + 1 + size + 1
        return files

    async def _is_dirty(self) -> bool:
        status = await self._git(
            *("--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"),
            *("--", self.prefix),
        )
        skipped = 3 + (0 if self.prefix == "." else len(self.prefix) + 1)
        entries = status.decode("utf-8", "surrogateescape").split("\0")
        return any(_is_wanted(entry[skipped:]) for entry in entries if entry)

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
    verb = next(a for a in arguments if not a.startswith("-"))
    try:
        async with asyncio.timeout(GIT_TIMEOUT_S):
            out, err = await process.communicate(stdin)
    except TimeoutError as error:
        raise SourceError(f"git {verb} took longer than {GIT_TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    is_nothing_found = "--quiet" in arguments and process.returncode == 1
    if process.returncode and not is_nothing_found:
        text = err.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise SourceError(f"git {verb} in {root}: {text}")
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
    for path in _walk(folder):
        relative = path.relative_to(folder).as_posix()
        try:
            size = path.stat().st_size
            total += size
            if size > MAX_FILE_BYTES or total > MAX_TREE_BYTES:
                raise SourceError(
                    f"{relative} is too large: {MAX_FILE_BYTES} bytes a file, {MAX_TREE_BYTES} in all"
                )
            files[relative] = path.read_bytes()
        except FileNotFoundError:
            continue  # removed meanwhile; the next reading agrees
        except OSError as error:
            raise SourceError(f"{relative}: {error.strerror}") from error
    return files


def _walk(folder: Path) -> list[Path]:
    """Return the files that can be part of the declaration, sorted; symbolic links are followed nowhere."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in names if _is_wanted(name)]
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def _damaged(path: str, root: Path) -> str:
    return f"{path} cannot be read from git; see `git fsck` in {root}"


def _is_wanted(path: str) -> bool:
    """Tell whether a path, relative to the folder, can be part of the declaration."""
    parts = PurePosixPath(path).parts
    return path.endswith(SUFFIXES) and not any(part.startswith(".") for part in parts)


async def _changes(folder: Path) -> AsyncIterator[None]:
    """Yield after every change below a folder; a watch that cannot be made is tried again, for readings go on."""
    while True:
        try:
            async for _ in _watch(folder):
                yield
        except OSError as error:
            log.warning("cannot watch %s: %s", folder, error)
        await asyncio.sleep(WATCH_RETRY_S)
        yield


async def _watch(folder: Path) -> AsyncIterator[None]:
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
