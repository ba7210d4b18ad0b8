"""A published file that is damaged is noticed by whoever reads, and the last good release takes its place."""

import os
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

import warehouse
from tests.runs import command
from warehouse.database import recovery, seals
from warehouse.errors import DamagedError
from warehouse.paths import Paths, create_folders
from warehouse.pipeline.publish import publish

ROWS = 300_000  # several blocks of DuckDB, so that one in the middle can be damaged


@pytest.fixture(scope="module")
def two_answers(tmp_path_factory) -> Path:
    """A home with two published answers, `1` and `2`."""
    home = tmp_path_factory.mktemp("damage") / "home"
    paths = Paths(home, home / "warehouse.duckdb")
    create_folders(paths)
    for number in (1, 2):
        answer(paths, number)
    return home


def answer(paths: Paths, number: int, as_of: date | None = None) -> None:
    folder = paths.work / f"run{number}"
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "index.html").write_text(str(number))
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"CREATE TABLE answer AS SELECT {number} AS number")
        connection.execute(f"CREATE TABLE more AS SELECT range AS i, md5(range::VARCHAR) AS t FROM range({ROWS})")
    publish(paths, folder, f"run{number}", as_of)


@pytest.fixture
def home(two_answers, tmp_path) -> Path:
    return shutil.copytree(two_answers, tmp_path / "home", symlinks=True)


def published(home: Path) -> Path:
    return (home / "current" / "warehouse.duckdb").resolve()


def cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def replaced_by_csv(file: Path) -> None:
    file.write_text("x\nthis is no database at all\nok")


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def flipped_in_the_middle(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)[0]
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1]))


def gone(file: Path) -> None:
    file.unlink()


def release_gone(file: Path) -> None:
    shutil.rmtree(file.parent)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES = {
    cut_short: "bytes, and had",
    replaced_by_csv: "it has 31 bytes, and had",
    emptied: "it has 0 bytes",
    flipped_in_the_middle: "its SHA-256 is",
    gone: "the file is not there",
    release_gone: "the link leads to releases/run2, which is not there",
    a_folder: "it cannot be read (Is a directory)",
}


def open_to_write(home: Path) -> None:
    for path in (*home.rglob("*"), home):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_last_good_release_takes_the_place_of_a_damaged_one_and_it_is_said(damage, home):
    open_to_write(home)
    damage(published(home))
    done = command(home, "sql", "select number from answer", "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "number\n1\n")
    assert DAMAGES[damage] in done.stderr
    assert "The last good answer takes its place: run run1." in done.stderr
    again = command(home, "sql", "select number from answer", "--format", "csv")
    assert (again.returncode, again.stdout, again.stderr) == (0, "number\n1\n", "")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as plain_client:
        assert plain_client.execute("SELECT number FROM answer").fetchone() == (1,)
    assert (home / "site" / "index.html").read_text() == "1", "the pages change together with the warehouse"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_where_no_release_is_whole_it_is_said_with_the_way_out(damage, home):
    open_to_write(home)
    shutil.rmtree(home / "releases" / "run1")
    damage(published(home))
    done = command(home, "sql", "select number from answer")
    assert (done.returncode, done.stdout) == (5, "")
    assert "the published warehouse is damaged" in done.stderr
    assert "overbuild restore" in done.stderr
    assert "a defect of ours" not in done.stderr


def test_a_link_that_is_gone_is_set_again(home):
    (home / "current").unlink()
    done = command(home, "sql", "select number from answer", "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "number\n2\n")


def test_a_bit_that_rots_and_leaves_the_times_alone_is_met_by_the_query_that_reads_it(home):
    open_to_write(home)
    file = published(home)
    before = file.stat()
    flipped_in_the_middle(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = command(home, "sql", "select max(t), sum(i) from more", "--format", "csv")
    assert (done.returncode, done.stdout) == (5, "max(t),sum(i)\n")
    assert "this file is damaged" in done.stderr
    assert "run run1" in done.stderr
    assert done.stderr.endswith("Ask again.\n")
    again = command(home, "sql", "select count(t) from more", "--format", "csv")
    assert (again.returncode, again.stdout) == (0, f"count(t)\n{ROWS}\n")


def test_a_copy_with_other_times_is_hashed_and_trusted(home):
    file = published(home)
    os.utime(file, (1, 1))
    done = command(home, "sql", "select number from answer", "--format", "csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "number\n2\n", "")


def test_whoever_may_not_switch_the_link_reads_the_last_good_release_all_the_same(home, monkeypatch):
    open_to_write(home)
    replaced_by_csv(published(home))
    monkeypatch.setattr(recovery, "_switched", lambda *_: False)
    done = command(home, "sql", "select number from answer", "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "number\n1\n")
    assert os.readlink(home / "current") == "releases/run2"


def test_a_dated_answer_never_takes_the_place_of_todays(home):
    open_to_write(home)
    paths = Paths(home, home / "warehouse.duckdb")
    answer(paths, 3, date(2025, 1, 28))
    replaced_by_csv(published(home))
    assert seals.newest_good(paths) == paths.releases / "run1"
    assert seals.newest_good(paths, date(2025, 1, 28)) == paths.releases / "run3"


def test_a_program_is_warned_and_reads_the_last_good_release(home):
    open_to_write(home)
    replaced_by_csv(published(home))
    with pytest.warns(UserWarning, match="the published warehouse is damaged"):
        assert warehouse.sql("select number from answer", home=home).item() == 1
    shutil.rmtree(home / "releases" / "run2")
    replaced_by_csv(published(home))
    with pytest.raises(DamagedError, match="overbuild restore"):
        warehouse.sql("select number from answer", home=home)


def test_a_home_that_is_empty_says_what_to_run(tmp_path):
    done = command(tmp_path / "nothing", "sql", "select 1")
    assert done.returncode == 2
    assert "nothing is published here yet. Run `overbuild run` first" in done.stderr


def test_every_published_file_is_sealed_with_its_size_and_hash(home):
    release = (home / "current").resolve()
    assert list(seals.damages(release)) == []
    open_to_write(home)
    (release / "site" / "index.html").write_text("other")
    (damage,) = seals.damages(release)
    assert damage.path == release / "site" / "index.html"
    assert damage.expected.startswith(
        "1 bytes, SHA-256 d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"
    )
