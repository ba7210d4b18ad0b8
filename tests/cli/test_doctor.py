"""The doctor survives what it is called for: whatever is damaged, it says what, where, and the way out."""

import os
import shutil
from pathlib import Path

import pytest

from tests.database.test_recovery import answer, flipped_in_the_middle, open_to_write, published, replaced_by_csv
from tests.runs import command
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.sources.common.source import Received


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A home with a published answer and two archived documents."""
    home = tmp_path_factory.mktemp("doctor") / "home"
    paths = Paths(home, home / "warehouse.duckdb")
    create_folders(paths)
    answer(paths, 1)
    for body in (b"one", b"two"):
        archive.keep(paths.raw, Received("a.csv", "snapshot:a.csv", "text/csv", body))
    (paths.raw / "fetches").mkdir()
    (paths.raw / "fetches" / "sec.published.jsonl").write_text('{"url": "x"}\n')
    return home


@pytest.fixture
def home(kept, tmp_path) -> Path:
    copied = shutil.copytree(kept, tmp_path / "home", symlinks=True)
    open_to_write(copied)
    return copied


def document(home: Path, body: bytes = b"one") -> Path:
    import hashlib

    return archive.path_of(home / "raw", hashlib.sha256(body).hexdigest())


def doctor(home: Path, *options: str, **given: str):
    given.setdefault("PREFECT_HOME", str(home.parent / "prefect"))
    return command(home, "doctor", *options, **given)


def without_current(home: Path) -> None:
    shutil.rmtree(home / "current", ignore_errors=True)
    (home / "current").unlink(missing_ok=True)
    (home / "current").symlink_to("releases/nowhere")


def no_archive(home: Path) -> None:
    shutil.rmtree(home / "raw")
    (home / "raw").write_text("no folder")


def logs_overwritten(home: Path) -> None:
    (home / "raw" / "fetches" / "sec.published.jsonl").write_bytes(b"\x00\xff garbage\n[1]\n")


def schedule_overwritten(home: Path) -> None:
    (home / "schedule").mkdir()
    (home / "schedule" / "prices.json").write_bytes(b"\xff\xfe")


def decisions_overwritten(home: Path) -> None:
    (home / "decisions.jsonl").write_bytes(b"\xff\xfe\n")


def lock_is_a_folder(home: Path) -> None:
    (home / ".lock").unlink(missing_ok=True)
    (home / ".lock").mkdir()


def prefect_overwritten(home: Path) -> None:
    (home.parent / "prefect").mkdir()
    (home.parent / "prefect" / "prefect.db").write_bytes(b"no database at all, but long enough to be one" * 100)


def warehouse_overwritten(home: Path) -> None:
    replaced_by_csv(published(home))


DAMAGES = {
    warehouse_overwritten: "overbuild restore",
    without_current: "which is not there",
    no_archive: "raw",
    logs_overwritten: "sec.published.jsonl",
    schedule_overwritten: "Remove it",
    decisions_overwritten: "decisions.jsonl: line 1 cannot be read",
    lock_is_a_folder: "Remove it",
    prefect_overwritten: "Set PREFECT_HOME to another folder",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_doctor_survives_any_damage_and_says_the_way_out(damage, home):
    damage(home)
    done = doctor(home, "--verify")
    assert done.returncode in (2, 5)
    assert "Traceback" not in done.stderr
    assert "a defect of ours" not in done.stderr
    assert "fix" in done.stdout
    assert DAMAGES[damage] in done.stdout


def test_settings_that_are_no_toml_are_a_line_of_the_doctor(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "overbuild.toml").write_bytes(b"\xff\xfe[[[")
    done = doctor(home, "--verify")
    assert done.returncode == 2
    assert "overbuild.toml" in done.stdout
    assert "a defect of ours" not in done.stderr


def test_what_nobody_foresaw_about_one_thing_leaves_the_others(home, monkeypatch):
    from warehouse.cli import doctor as module

    def broken() -> str:
        raise RuntimeError("no one thought of this")

    monkeypatch.setattr(module, "_archive", broken)
    done = doctor(home)
    assert "fix   archive      RuntimeError: no one thought of this. Look at every document" in done.stdout
    assert "decisions    none" in done.stdout


def test_verify_finds_a_flipped_bit_in_the_archive_and_in_a_published_page(home):
    done = doctor(home, "--verify")
    assert "2 in " in done.stdout
    assert "run1: every file is as it was published" in done.stdout
    flipped_in_the_middle(document(home))
    flipped_in_the_middle(home / "current" / "site" / "index.html")
    done = doctor(home, "--verify")
    assert done.returncode == 5
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("fix   document")]
    assert f"{document(home)}: expected SHA-256 {document(home).name}, found SHA-256 " in said
    assert "The next run that gets the document again puts it right" in said
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("fix   release")]
    assert (
        "site/index.html: expected 1 bytes, SHA-256 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
        in said
    )


def test_a_damaged_document_is_put_right_by_whoever_brings_it_again(home):
    flipped_in_the_middle(document(home))
    archive.keep(home / "raw", Received("a.csv", "snapshot:a.csv", "text/csv", b"one"))
    assert document(home).read_bytes() == b"one"
    assert os.listdir(document(home).parent) == [document(home).name]
