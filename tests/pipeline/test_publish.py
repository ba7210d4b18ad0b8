"""Readers see the last good answer or the new one, whole."""

import os
import subprocess
import sys
import tempfile
import textwrap
import threading
from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse import files
from warehouse.errors import OverbuildError, UsageError
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.pipeline.context import busy, one_at_a_time
from warehouse.pipeline.publish import KEPT_RELEASES, publish
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


def test_a_second_run_says_that_it_waits_and_then_goes_on(paths):
    said, order = [], []
    first_has_it, waiting = threading.Event(), threading.Event()

    def say(message):
        said.append(message)
        waiting.set()

    def first():
        with one_at_a_time(paths, "waiting", said.append):
            first_has_it.set()
            assert waiting.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert first_has_it.wait(10)
    with one_at_a_time(paths, "waiting", say):
        order.append("second")
    thread.join()
    assert said == ["waiting"]
    assert order == ["first", "second"]


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
    with one_at_a_time(paths, "", print):
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
