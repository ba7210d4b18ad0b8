"""Readers see the last good answer or the new one, whole."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse import files, locks, processes
from warehouse.errors import OverbuildError, UsageError
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.pipeline.context import busy, one_at_a_time
from warehouse.pipeline.publish import KEPT_RELEASES, clear_left_behind, publish
from warehouse.sources.common.source import Received

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def paths(tmp_path):
    made = Paths(tmp_path / "home", tmp_path / "home" / "warehouse.duckdb")
    create_folders(made)
    return made


def built(paths, number):
    folder = paths.work / f"run{number}"
    (folder / "site").mkdir(parents=True)
    (folder / "quality").mkdir()
    for page in ("site", "quality"):
        (folder / page / "index.html").write_text(str(number))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"CREATE TABLE answer AS SELECT {number} AS number")
    return folder


def seen(paths):
    with duckdb.connect(str(paths.warehouse), read_only=True) as connection:
        (number,) = connection.execute("SELECT number FROM answer").fetchone()
    pages = {(paths.root / page / "index.html").read_text() for page in ("site", "quality")}
    assert pages == {str(number)}, "the warehouse and the pages are of different runs"
    return number


def test_the_three_change_together_and_an_open_reader_is_undisturbed(paths):
    publish(paths, built(paths, 1), "run1", None)
    assert seen(paths) == 1
    reader = duckdb.connect(str(paths.warehouse), read_only=True)
    for number in range(2, 3 + KEPT_RELEASES):
        publish(paths, built(paths, number), f"run{number}", None)
        assert seen(paths) == number
    assert reader.execute("SELECT number FROM answer").fetchone() == (1,)
    reader.close()
    assert len(list(paths.releases.iterdir())) == KEPT_RELEASES + 1


def test_a_dated_run_stands_beside_todays_answer(paths):
    publish(paths, built(paths, 1), "run1", None)
    publish(paths, built(paths, 2), "run2", date(2025, 1, 28))
    assert seen(paths) == 1
    dated = paths.root / "as-of" / "2025-01-28"
    assert (dated / "site" / "index.html").read_text() == "2"
    for number in range(3, 9):
        publish(paths, built(paths, number), f"run{number}", None)
    assert (dated / "site" / "index.html").read_text() == "2", "a linked release is never forgotten"


def test_the_warehouse_can_live_elsewhere(tmp_path):
    paths = Paths(tmp_path / "home", tmp_path / "elsewhere" / "mine.duckdb")
    create_folders(paths)
    publish(paths, built(paths, 1), "run1", None)
    assert seen(paths) == 1


def test_a_file_that_is_not_ours_is_never_overwritten(tmp_path):
    paths = Paths(tmp_path / "home", tmp_path / "mine.duckdb")
    paths.warehouse.write_text("precious")
    with pytest.raises(UsageError, match=r"mine\.duckdb: there is a file here that overbuild did not publish"):
        create_folders(paths)
    assert paths.warehouse.read_text() == "precious"


@pytest.mark.parametrize("name", ["current", "site", "as-of/2025-01-28"])
def test_a_folder_where_a_link_belongs_is_named_and_left_alone(paths, name):
    """Whoever copies a home in a way that follows links has folders in their places."""
    publish(paths, built(paths, 1), "run1", None)
    publish(paths, built(paths, 2), "run2", date(2025, 1, 28))
    link = paths.root / name
    held = link.resolve()
    link.unlink()
    link.mkdir()
    (link / "precious").write_text("mine")
    with pytest.raises(UsageError, match=rf"{name}: this is a folder where overbuild keeps a link.* Move it away"):
        create_folders(paths)
    assert (link / "precious").read_text() == "mine"
    link.rename(paths.root.parent / "away")
    link.symlink_to(held)
    create_folders(paths)


def test_a_second_run_says_for_whom_it_waits_and_then_goes_on(paths):
    said, order = [], []
    first_has_it, waiting = threading.Event(), threading.Event()

    def say(message):
        said.append(message)
        waiting.set()

    def first():
        with one_at_a_time(paths, said.append):
            first_has_it.set()
            assert waiting.wait(60)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert first_has_it.wait(60)
    with one_at_a_time(paths, say):
        order.append("second")
    thread.join()
    [line] = said
    assert "another run is at work in this OVERBUILD_HOME" in line
    assert f"(process {os.getpid()} on {socket.gethostname()}, since 20" in line
    assert line.endswith("waiting for it to end, 60 minutes at most")
    assert order == ["first", "second"]


def test_a_run_waits_no_longer_than_it_may(paths):
    with (
        one_at_a_time(paths, print),
        pytest.raises(UsageError, match=r"process \d+ on .* It did not end within 0.2"),
        one_at_a_time(paths, lambda _: None, 0.2),
    ):
        pass


def test_a_note_of_a_holder_that_is_gone_names_nobody(paths):
    note = locks.note_of(paths.lock)
    ended = f"{os.getpid()}-1-{str(processes.this()).rpartition('-')[2]}"  # our number, another start
    note.write_text(json.dumps({"process": ended, "host": "here", "since": "2026-01-01", "command": "overbuild run"}))
    assert not busy(paths)
    assert locks.holder(paths.lock) == "a process that has not said who it is"
    with one_at_a_time(paths, print):
        assert locks.holder(paths.lock).startswith(f"process {os.getpid()} on ")
    assert not note.exists()


def test_what_a_killed_run_built_or_did_not_come_to_publish_is_cleared_away(paths):
    publish(paths, built(paths, 1), "run1", None)
    release = built(paths, 2)
    release.rename(paths.releases / "run2")  # killed before the link was switched
    (paths.work / "run2" / "release").mkdir(parents=True)
    (paths.later / "run2").mkdir()
    (paths.work / "run1").mkdir()  # killed after it had published
    clear_left_behind(paths)
    assert [path.name for path in paths.releases.iterdir()] == ["run1"]
    assert [path.name for path in paths.later.iterdir()] == ["run1"]
    assert list(paths.work.iterdir()) == []
    assert seen(paths) == 1


def test_a_document_is_kept_once_under_the_hash_of_its_bytes(tmp_path):
    received = Received("a.csv", "snapshot:a.csv", "text/csv", b"hello")
    document = archive.keep(tmp_path, received)
    # sha256 of "hello", as every tool gives it
    assert document.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    archive.keep(tmp_path, received)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [document.sha256]
    assert archive.read(tmp_path, document.sha256) == b"hello"


def test_a_document_that_was_changed_in_the_archive_is_noticed(tmp_path):
    document = archive.keep(tmp_path, Received("a.csv", "snapshot:a.csv", "text/csv", b"hello"))
    archive.path_of(tmp_path, document.sha256).write_bytes(b"jello")
    with pytest.raises(OverbuildError, match="was changed"):
        archive.read(tmp_path, document.sha256)


def test_a_home_is_busy_while_a_run_has_its_lock(paths):
    assert not busy(paths)
    with one_at_a_time(paths, print):
        assert busy(paths)
    assert not busy(paths)


def writable(folder):
    """What in a folder, or the folder itself, anybody may write to."""
    return [path for path in (folder, *folder.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o222]


def test_what_is_published_cannot_be_written_to_and_is_still_cleared_away(paths):
    for number in range(1, 4 + KEPT_RELEASES):
        release = publish(paths, built(paths, number), f"run{number}", None)
        assert writable(release) == []
    assert len(list(paths.releases.iterdir())) == KEPT_RELEASES + 1
    taken = paths.work / "taken"
    files.link_folder(release, taken)
    (taken / "site" / "new.html").write_text("what a later run adds to what it took along")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")
def test_an_owner_without_the_rights_of_root_publishes_and_clears_away_too():
    home = Path(tempfile.mkdtemp())  # the folder that pytest gives is root's own, up to its parents
    home.chmod(0o777)
    program = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from tests.pipeline.test_publish import built, publish, seen
        from warehouse.paths import Paths, create_folders
        os.setgid(65534); os.setuid(65534)
        paths = Paths(Path({str(home)!r}), Path({str(home / "warehouse.duckdb")!r}))
        create_folders(paths)
        for number in range(1, 7):
            release = publish(paths, built(paths, number), f"run{{number}}", None)
            assert seen(paths) == number
            for name in ("warehouse.duckdb", "warehouse.duckdb.wal"):
                try:
                    (release / name).write_bytes(b"")
                except PermissionError:
                    continue
                raise AssertionError(name)
        assert len(list(paths.releases.iterdir())) == 4, list(paths.releases.iterdir())
        """)
    # Another process: who gives up the rights of root does not get them back.
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120
    )
    files.remove_folder(home)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("nobody else may read the environment")
    assert done.returncode == 0, done.stderr
