"""Readers see the last good answer or the new one, whole."""

import threading
from datetime import date

import duckdb
import pytest

from warehouse.errors import OverbuildError, UsageError
from warehouse.fetching import archive
from warehouse.paths import Home, prepare
from warehouse.pipeline.context import busy, one_at_a_time
from warehouse.pipeline.publish import KEPT_RELEASES, publish
from warehouse.sources.common.source import Received


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home", tmp_path / "home" / "warehouse.duckdb")
    prepare(made)
    return made


def built(home, number):
    folder = home.work / f"run{number}"
    (folder / "site").mkdir(parents=True)
    (folder / "quality").mkdir()
    for page in ("site", "quality"):
        (folder / page / "index.html").write_text(str(number))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"CREATE TABLE answer AS SELECT {number} AS number")
    return folder


def seen(home):
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        (number,) = connection.execute("SELECT number FROM answer").fetchone()
    pages = {(home.root / page / "index.html").read_text() for page in ("site", "quality")}
    assert pages == {str(number)}, "the warehouse and the pages are of different runs"
    return number


def test_the_three_change_together_and_an_open_reader_is_undisturbed(home):
    publish(home, built(home, 1), "run1", None)
    assert seen(home) == 1
    reader = duckdb.connect(str(home.warehouse), read_only=True)
    for number in range(2, 3 + KEPT_RELEASES):
        publish(home, built(home, number), f"run{number}", None)
        assert seen(home) == number
    assert reader.execute("SELECT number FROM answer").fetchone() == (1,)
    reader.close()
    assert len(list(home.releases.iterdir())) == KEPT_RELEASES + 1


def test_a_dated_run_stands_beside_todays_answer(home):
    publish(home, built(home, 1), "run1", None)
    publish(home, built(home, 2), "run2", date(2025, 1, 28))
    assert seen(home) == 1
    dated = home.root / "as-of" / "2025-01-28"
    assert (dated / "site" / "index.html").read_text() == "2"
    for number in range(3, 9):
        publish(home, built(home, number), f"run{number}", None)
    assert (dated / "site" / "index.html").read_text() == "2", "a linked release is never forgotten"


def test_the_warehouse_can_live_elsewhere(tmp_path):
    home = Home(tmp_path / "home", tmp_path / "elsewhere" / "mine.duckdb")
    prepare(home)
    publish(home, built(home, 1), "run1", None)
    assert seen(home) == 1


def test_a_file_that_is_not_ours_is_never_overwritten(tmp_path):
    home = Home(tmp_path / "home", tmp_path / "mine.duckdb")
    home.warehouse.write_text("precious")
    with pytest.raises(UsageError, match=r"mine\.duckdb: there is a file here that overbuild did not publish"):
        prepare(home)
    assert home.warehouse.read_text() == "precious"


def test_a_second_run_says_that_it_waits_and_then_goes_on(home):
    said, order = [], []
    first_has_it, waiting = threading.Event(), threading.Event()

    def say(message):
        said.append(message)
        waiting.set()

    def first():
        with one_at_a_time(home, "waiting", said.append):
            first_has_it.set()
            assert waiting.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert first_has_it.wait(10)
    with one_at_a_time(home, "waiting", say):
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


def test_a_home_is_busy_while_a_run_has_its_lock(home):
    assert not busy(home)
    with one_at_a_time(home, "", print):
        assert busy(home)
    assert not busy(home)
