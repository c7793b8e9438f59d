import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.model.errors import StateError
from reconciler.world import state_folder
from reconciler.world.journal import SqliteJournal
from reconciler.world.state_folder import StateFolder, check_binding, find_bound

SOURCE = {"folder": "/srv/shop", "identity": "git:1234:."}


@pytest.fixture(autouse=True)
def bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bases of our own: the tests may run as root."""
    monkeypatch.setattr(state_folder, "SYSTEM_BASE", tmp_path / "base")
    monkeypatch.setattr(state_folder, "SYSTEM_RUNTIME", tmp_path / "run")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as made:
        yield made


def folder(tmp_path: Path) -> StateFolder:
    return state_folder.state_folder(None, tmp_path / "state")


def bound(cluster: str, source: str) -> StateFolder:
    """A state that is bound to a folder."""
    made = state_folder.state_folder(cluster, None)
    made.create()
    with closing(SqliteJournal(made.journal)) as journal:
        journal.bind({"folder": source})
    return made


def test_a_clusters_state_lies_below_the_base_of_the_system_for_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder.state_folder("shop", None).path == tmp_path / "base" / "shop"


def test_a_clusters_state_lies_in_the_users_state_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert state_folder.state_folder("shop", None).path == tmp_path / "home" / "reconciler" / "shop"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert state_folder.state_folder("shop", None).path == Path("/home/someone/.local/state/reconciler/shop")


def test_a_chosen_folder_is_the_state_itself(tmp_path: Path) -> None:
    assert state_folder.state_folder("shop", tmp_path / "mine").path == tmp_path / "mine"


def test_sockets_have_short_paths_however_long_the_states_is(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["long" * 10] * 10)
    found = state_folder.state_folder(None, deep)
    assert found.control_socket.parent.parent.parent == tmp_path
    assert len(found.control_socket.parent.name) == 12
    assert found.runtime != state_folder.state_folder(None, deep / "other").runtime


def test_folders_are_made_for_this_user_alone(tmp_path: Path) -> None:
    made = folder(tmp_path)
    made.create()
    made.create()
    assert [oct(p.stat().st_mode & 0o777) for p in (made.path, made.runtime)] == ["0o700", "0o700"]


def test_a_runtime_folder_that_others_can_open_is_refused(tmp_path: Path) -> None:
    found = folder(tmp_path)
    found.runtime.mkdir(parents=True, mode=0o755)
    with pytest.raises(StateError, match="that nobody else can open; remove it"):
        found.create()


def test_a_runtime_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    found = folder(tmp_path)
    found.runtime.parent.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    found.runtime.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match="that nobody else can open; remove it"):
        found.create()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StateError, match=f"cannot make the state folder {tmp_path}/state: File exists"):
        folder(tmp_path).create()


def test_only_one_process_writes_and_the_other_names_it(tmp_path: Path) -> None:
    found = folder(tmp_path)
    found.create()
    lock = found.lock()
    with pytest.raises(StateError) as caught:
        found.lock()
    want = f"{found.path} is in use by process {os.getpid()}; only one may act on a cluster"
    assert str(caught.value) == want
    lock.release()
    found.lock().release()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    found = folder(tmp_path)
    found.create()
    code = "import os; from reconciler.world.state_folder import *; l = StateLock(Path({!r})); os._exit(9)"
    code = code.format(str(found.path / "lock"))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    found.lock().release()


def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    found = folder(tmp_path)
    found.create()
    (found.path / "lock").mkdir()
    with pytest.raises(StateError, match="cannot write to the state folder"):
        found.lock()


def test_a_state_is_bound_to_its_first_source(journal: SqliteJournal) -> None:
    check_binding(journal, SOURCE, has_local_agent=True)
    bound = journal.binding()
    assert {name: bound[name] for name in SOURCE} == SOURCE
    assert bound["machine"] == state_folder.machine_id()
    check_binding(journal, SOURCE, has_local_agent=True)


def test_another_source_is_refused_while_the_first_is_there(journal: SqliteJournal, tmp_path: Path) -> None:
    mine = {"folder": str(tmp_path), "identity": "git:1234:."}
    check_binding(journal, mine, has_local_agent=False)
    with pytest.raises(StateError) as caught:
        check_binding(journal, {"folder": "/other", "identity": "git:9999:."}, has_local_agent=False)
    assert str(caught.value) == (
        f"this state belongs to {tmp_path}, not to /other; "
        "name the cluster differently, or choose another folder with --state"
    )
    assert journal.binding()["folder"] == str(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        {"folder": "/another/clone", "identity": "git:1234:."},
        {"folder": "SAME", "identity": "git:of another first commit:."},
    ],
    ids=["another clone", "the same folder"],
)
def test_the_same_source_is_known_by_its_history_or_its_folder(
    journal: SqliteJournal, tmp_path: Path, source: dict[str, str]
) -> None:
    check_binding(journal, {"folder": str(tmp_path), "identity": "git:1234:."}, has_local_agent=False)
    source = {**source, "folder": source["folder"].replace("SAME", str(tmp_path))}
    check_binding(journal, source, has_local_agent=False)
    assert journal.binding()["folder"] == source["folder"]


def test_a_source_that_is_gone_may_be_followed_by_another(journal: SqliteJournal) -> None:
    check_binding(journal, {"folder": "/gone", "identity": "/gone"}, has_local_agent=False)
    check_binding(journal, SOURCE, has_local_agent=False)
    assert journal.binding()["folder"] == SOURCE["folder"]


def test_local_agents_mean_the_machine_that_the_state_was_made_on(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_binding(journal, SOURCE, has_local_agent=True)
    monkeypatch.setattr(state_folder, "machine_id", lambda: "another")
    with pytest.raises(StateError, match="this state was made on another machine"):
        check_binding(journal, SOURCE, has_local_agent=True)
    check_binding(journal, SOURCE, has_local_agent=False)
    assert journal.binding()["machine"] == "another"


def test_the_state_of_a_folder_is_found_without_its_clusters_name(tmp_path: Path) -> None:
    _, second = (bound(name, f"/{name}") for name in ("a", "b"))
    assert find_bound(tmp_path) is None
    with closing(SqliteJournal(second.journal)) as journal:
        journal.bind({"folder": str(tmp_path)})
    assert find_bound(tmp_path) == second


def test_damage_of_another_clusters_journal_hinders_nobody(tmp_path: Path) -> None:
    first, second = (bound(name, str(tmp_path)) for name in ("a", "b"))
    first.journal.write_text("damaged" * 100)
    assert find_bound(tmp_path) == second


def test_without_any_state_none_is_found(tmp_path: Path) -> None:
    assert find_bound(tmp_path) is None
