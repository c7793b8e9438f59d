"""Real repositories; each git call costs a few milliseconds."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model.errors import SourceError
from reconciler.model.intent import Source
from reconciler.ports import SourceTree
from reconciler.world import git
from reconciler.world.git import open_repository

Git = Callable[..., str]

PATIENCE_S = 60
"""Only reached when a test fails."""


def in_folder(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit: a.yaml, and sub/b.yml beside sub/page.xml."""
    made = tmp_path / "repository"
    (made / "sub").mkdir(parents=True)
    in_folder(made, "init", "-q", "-b", "main")
    (made / "a.yaml").write_text("a: 1\n")
    (made / "sub" / "b.yml").write_text("b: 1\n")
    (made / "sub" / "page.xml").write_text("<x/>")
    (made / "README.md").write_text("no part of it")
    commit(made)
    return made


def commit(root: Path, **files: str) -> str:
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    in_folder(root, "add", "-A")
    in_folder(root, "commit", "-q", "--allow-empty", "-m", "change")
    return in_folder(root, "rev-parse", "HEAD")


def read(folder: Path, *, revision: str | None = None, is_worktree: bool = False) -> SourceTree:
    async def run() -> SourceTree:
        repository = await open_repository(folder, revision=revision, is_worktree=is_worktree)
        return await repository.read()

    return asyncio.run(run())


def refusal(folder: Path, revision: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        read(folder, revision=revision)
    return str(caught.value)


def test_the_commit_counts_and_not_the_files(root: Path) -> None:
    head = in_folder(root, "rev-parse", "HEAD")
    (root / "a.yaml").write_text("a: 2\n")
    want = SourceTree(
        source=Source(folder=str(root), commit=head, revision="HEAD", is_dirty=True),
        files={"a.yaml": b"a: 1\n", "sub/b.yml": b"b: 1\n", "sub/page.xml": b"<x/>"},
    )
    assert read(root) == want


def test_a_folder_inside_a_repository_is_read_from_the_commit_too(root: Path) -> None:
    got = read(root / "sub")
    assert dict(got.files) == {"b.yml": b"b: 1\n", "page.xml": b"<x/>"}
    assert got.source.commit == in_folder(root, "rev-parse", "HEAD")


def test_a_revision_may_be_a_branch_a_tag_or_a_commit(root: Path) -> None:
    first = in_folder(root, "rev-parse", "HEAD")
    in_folder(root, "tag", "-m", "annotated", "v1")
    in_folder(root, "branch", "old")
    second = commit(root, a="a: 2\n")
    assert {read(root, revision=r).source.commit for r in ("v1", "old", first, first[:10], "HEAD~1")} == {
        first
    }
    assert read(root).source.commit == second


def test_a_worktree_is_taken_as_it_is(root: Path) -> None:
    (root / "a.yaml").write_text("a: 2\n")
    got = read(root, is_worktree=True)
    assert got.source == Source(folder=str(root))
    assert got.files["a.yaml"] == b"a: 2\n"


def test_a_linked_worktree_has_its_own_head(root: Path, tmp_path: Path) -> None:
    in_folder(root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    there = commit(tmp_path / "linked", a="a: 3\n")
    assert read(tmp_path / "linked").source.commit == there
    assert read(root).source.commit != there


def test_a_folder_without_git_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.yaml").write_text("b: 1\n")
    (tmp_path / "c.txt").write_text("no part of it")
    assert read(tmp_path) == SourceTree(source=Source(folder=str(tmp_path)), files={"a.yaml": b"a: 1\n"})
    assert refusal(tmp_path, "main") == f"{tmp_path} is not in a git repository, so there is no revision main"


def test_names_may_have_any_characters(root: Path) -> None:
    names = ["grün.yaml", "two words.yaml", 'quo"te.yaml', "tab\there.yaml", "日本/ü.yml", "nl\nx.yaml"]
    (root / "日本").mkdir()
    for name in names:
        (root / name).write_text("x: 1\n")
    commit(root)
    assert sorted(read(root).files) == sorted([*names, "a.yaml", "sub/b.yml", "sub/page.xml"])
    assert sorted(read(root / "日本").files) == ["ü.yml"]
    assert read(root, is_worktree=True).files == read(root).files


@pytest.mark.parametrize("name", ["a*b", "[x]", ":(top)", "-C", "sp ace"])
def test_folders_may_have_any_name(root: Path, name: str) -> None:
    (root / name).mkdir()
    (root / name / "x.yaml").write_text("x: 1\n")
    commit(root)
    assert (dict(read(root / name).files), read(root / name).source.is_dirty) == (
        {"x.yaml": b"x: 1\n"},
        False,
    )
    (root / name / "x.yaml").write_text("x: 2\n")
    assert read(root / name).source.is_dirty


def test_dot_folders_symlinks_and_submodules_are_no_part(root: Path) -> None:
    (root / ".github").mkdir()
    (root / ".github" / "ci.yaml").write_text("x: 1\n")
    (root / "link.yaml").symlink_to("/etc/passwd")
    (root / "folder").symlink_to("sub")
    in_folder(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module.yaml")
    commit(root)
    want = ["a.yaml", "sub/b.yml", "sub/page.xml"]
    assert sorted(read(root).files) == want
    assert sorted(read(root, is_worktree=True).files) == want


@pytest.mark.parametrize("is_worktree", [False, True])
def test_what_is_too_large_is_refused_before_it_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, is_worktree: bool
) -> None:
    monkeypatch.setattr(git, "MAX_FILE_BYTES", 10)
    monkeypatch.setattr(git, "MAX_TREE_BYTES", 20)
    commit(root, big="x" * 11)
    with pytest.raises(SourceError, match=r"^big.yaml is too large: 10 bytes a file, 20 in all$"):
        read(root, is_worktree=is_worktree)
    commit(root, big="x" * 10, a="x" * 10)
    with pytest.raises(SourceError, match="is too large"):
        read(root, is_worktree=is_worktree)


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (lambda root: (root / "a.yaml").write_text("a: 2\n"), True),
        (lambda root: (root / "new.yaml").write_text("a: 2\n"), True),
        (lambda root: (root / "a.yaml").unlink(), True),
        (lambda root: (root / "a.yaml").rename(root / "a.txt"), True),
        (lambda root: in_folder(root, "mv", "a.yaml", "a.txt"), True),
        (lambda root: in_folder(root, "mv", "README.md", "readme.yaml"), True),
        (lambda root: (root / "README.md").write_text("other"), False),
        (lambda root: (root / "new.txt").write_text("other"), False),
    ],
)
def test_a_repository_is_dirty_when_the_declaration_is(
    root: Path, change: Callable[[Path], object], want: bool
) -> None:
    change(root)
    assert read(root).source.is_dirty is want


def test_changes_beside_our_folder_make_nothing_dirty(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.yaml").write_text("a: 2\n")
    assert not read(root / "sub").source.is_dirty
    # -C as it is usually given: relative to where one stands.
    monkeypatch.chdir(root / "sub")
    assert not read(Path()).source.is_dirty
    (root / "sub" / "b.yml").write_text("b: 2\n")
    assert read(Path()).source.is_dirty
    monkeypatch.chdir(root)
    assert read(Path("sub")).source.is_dirty


def test_a_folder_below_a_dot_folder_can_be_dirty(root: Path) -> None:
    folder = root / ".config" / "cluster"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text("x: 1\n")
    commit(root)
    (folder / "x.yaml").write_text("x: 2\n")
    assert (dict(read(folder).files), read(folder).source.is_dirty) == ({"x.yaml": b"x: 1\n"}, True)


def test_a_repository_of_another_user_is_read(root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert read(root / "sub").source.commit is not None


def test_reading_runs_no_hook_and_writes_nothing(root: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"):
        file = root / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {trap}\n")
        file.chmod(0o755)
    in_folder(root, "config", "core.fsmonitor", str(root / ".git" / "hooks" / "fsmonitor-watchman"))
    trap.unlink(missing_ok=True)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    os.utime(root / "a.yaml")
    read(root)
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert not trap.exists()
    assert {p for p in after if before.get(p) != after[p]} == {root / "a.yaml"}


def test_the_users_git_environment_does_not_mislead(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = read(root)
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent/index")
    assert read(root) == want


def test_a_revision_that_is_not_there_is_named(root: Path) -> None:
    want = f"there is no commit 'nope' in {root}; make one, or use --worktree"
    assert refusal(root, "nope") == want
    assert refusal(root, "--output=/tmp/x") == "'--output=/tmp/x' is no revision"


def test_a_repository_without_commits_says_what_to_do(tmp_path: Path) -> None:
    in_folder(tmp_path, "init", "-q")
    assert refusal(tmp_path) == f"there is no commit 'HEAD' in {tmp_path}; make one, or use --worktree"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nope") == f"{tmp_path}/nope is not a folder"


def test_a_repository_that_is_broken_is_not_taken_for_one_without_commits(root: Path) -> None:
    (root / ".git" / "HEAD").unlink()
    assert "not a git repository" in refusal(root)


@pytest.mark.parametrize("is_truncated", [False, True])
def test_a_lost_object_is_an_error_that_says_so(root: Path, is_truncated: bool) -> None:
    name = in_folder(root, "rev-parse", "HEAD:a.yaml")
    file = root / ".git" / "objects" / name[:2] / name[2:]
    file.chmod(0o600)
    if is_truncated:
        file.write_bytes(file.read_bytes()[:3])
    else:
        file.unlink()
    text = refusal(root)
    assert "a.yaml" in text
    assert "git fsck" in text


def test_git_that_is_not_installed_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(root) == "git is not installed; install it with: apt-get install git"


def test_git_that_hangs_is_ended(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "GIT_TIMEOUT_S", 0.05)
    assert refusal(root) == "git rev-parse took longer than 0.05 s"


def test_a_cancelled_reading_leaves_no_git_behind(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "git"
    program.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid\nexec sleep 60\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    async def run() -> int:
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            reading = group.create_task(git.run_git(root, "status"))
            while not (tmp_path / "pid").exists():  # noqa: ASYNC110 - a program sets no event
                await asyncio.sleep(0.01)
            reading.cancel()
        return int((tmp_path / "pid").read_text())

    pid = asyncio.run(run())
    assert not Path(f"/proc/{pid}").exists()


def test_what_vanishes_while_a_folder_is_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    gone = tmp_path / "gone.yaml"
    gone.write_text("a: 1\n")
    original = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path == gone:
            gone.unlink(missing_ok=True)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert dict(read(tmp_path).files) == {"a.yaml": b"a: 1\n"}


def test_a_folder_that_never_rests_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter(range(1000))
    monkeypatch.setattr(git, "_read_folder", lambda _: {"a.yaml": str(next(counts)).encode()})
    assert refusal(tmp_path) == f"{tmp_path} changes faster than it can be read; commit it to git instead"
