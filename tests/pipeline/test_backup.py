"""A backup gives the same answer in an empty home; it is whole beside a run, read back, and replaces nothing."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.pipeline.test_publish import built
from tests.runs import command
from warehouse import files
from warehouse.database import recovery, seals
from warehouse.errors import DamagedError, UsageError
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import backup
from warehouse.pipeline.publish import publish
from warehouse.sources.common.source import Received


def paths_of(root: Path) -> Paths:
    return Paths(root, root / "warehouse.duckdb")


def keep(paths: Paths, text: str) -> str:
    return archive.keep(paths.raw, Received("a", "https://a", "text/plain", text.encode())).sha256


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A home with an archive, a log, a decision, an answer, one before it and a dated one."""
    paths = paths_of(tmp_path_factory.mktemp("made") / "home")
    create_folders(paths)
    keep(paths, "one")
    files.append(paths.raw / "fetches" / "sec.jsonl", json.dumps({"url": "https://a"}))
    files.append(paths.root / "decisions.jsonl", json.dumps({"row_id": "r"}))
    files.write(paths.root / "alerts.json", "{}")
    files.write(paths.root / "schedule" / "prices.json", "{}")
    files.write(paths.root / "schedule" / "server.json", "{}")
    publish(paths, built(paths, 1), "run1", None)
    publish(paths, built(paths, 2), "run2", date(2025, 2, 1))
    publish(paths, built(paths, 3), "run3", None)
    return paths.root


@pytest.fixture
def paths(made, tmp_path) -> Paths:
    return paths_of(shutil.copytree(made, tmp_path / "home", symlinks=True))


def bytes_of(root: Path) -> dict[str, bytes]:
    """What a reader finds: every file by the name under which people open it, and what the archive and people said."""
    names = ["warehouse.duckdb", "decisions.jsonl", "alerts.json"]
    names += [f"{place}/index.html" for place in ("site", "quality", "as-of/2025-02-01/site")]
    names += [str(path.relative_to(root)) for path in root.glob("raw/*/*") if path.suffix != ".lock"]
    return {name: (root / name).read_bytes() for name in names} | {
        "later": (root / "site" / "refused.html").read_bytes()
    }


def restored(folder: Path, home: Path) -> Paths:
    paths = paths_of(home)
    backup.restore(folder, paths, lambda _: None, 0)
    return paths


def test_a_backup_in_an_empty_home_is_the_same_answer(paths, tmp_path):
    found = backup.write(paths, tmp_path / "saved")
    assert (found.run_id, found.dated, found.left_out) == ("run3", {"2025-02-01": "run2"}, [])
    again = restored(tmp_path / "saved", tmp_path / "again")
    assert bytes_of(again.root) == bytes_of(paths.root)
    assert not (again.root / "schedule" / "server.json").exists()
    assert seals.fault(again.current) == "" == seals.damaged(again.current)
    assert not os.access(again.current / "warehouse.duckdb", os.W_OK) or os.geteuid() == 0
    publish(again, built(again, 4), "run4", None)  # and it goes on
    assert recovery.was_published(again)


def test_a_run_that_publishes_while_it_is_made_spoils_nothing(paths, tmp_path, monkeypatch):
    copied, count = backup._copied, [0]

    def beside_runs(source: Path, root: Path, name: Path):
        count[0] += 1
        if count[0] == 2:  # in the middle of the answer: four more are published, and this one is removed
            keep(paths, "two")
            for number in range(4, 9):
                publish(paths, built(paths, number), f"run{number}", None)
        return copied(source, root, name)

    monkeypatch.setattr(backup, "_copied", beside_runs)
    assert backup.write(paths, tmp_path / "saved").run_id == "run8"
    again = restored(tmp_path / "saved", tmp_path / "again")
    assert (again.root / "site" / "index.html").read_text() == "8"
    assert sum(1 for _ in archive.documents(again.raw)) == 2


def test_the_lock_of_a_run_keeps_no_backup_waiting(paths, tmp_path):
    from filelock import FileLock

    with FileLock(paths.lock):
        assert backup.write(paths, tmp_path / "saved").run_id == "run3"


def test_a_log_that_is_just_written_ends_with_its_last_whole_line(paths, tmp_path):
    log = paths.raw / "fetches" / "sec.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"url": "https://cut')
    backup.write(paths, tmp_path / "saved")
    assert (tmp_path / "saved" / "raw" / "fetches" / "sec.jsonl").read_bytes() == whole


def test_it_replaces_nothing_and_is_not_lost_with_its_home(paths, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(UsageError, match="a backup replaces nothing"):
        backup.write(paths, tmp_path / "full")
    with pytest.raises(UsageError, match="would be lost with it"):
        backup.write(paths, paths.root / "saved")
    with pytest.raises(UsageError, match=r"nothing here to back up\. Run `overbuild run` first"):
        backup.write(paths_of(tmp_path / "empty"), tmp_path / "saved")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    assert not (tmp_path / "saved").exists()


def test_a_home_that_holds_something_else_is_left_alone(paths, tmp_path):
    backup.write(paths, tmp_path / "saved")
    with pytest.raises(UsageError, match=r"current: this OVERBUILD_HOME holds something already"):
        restored(tmp_path / "saved", paths.root)
    other = paths_of(tmp_path / "other")
    create_folders(other)
    files.append(other.root / "decisions.jsonl", json.dumps({"row_id": "another"}))
    with pytest.raises(UsageError, match=r"decisions\.jsonl: this OVERBUILD_HOME holds something already"):
        restored(tmp_path / "saved", other.root)


def test_a_home_that_publishes_to_a_lake_is_not_restored_behind_its_back(paths, tmp_path):
    backup.write(paths, tmp_path / "saved")
    home = replace(paths_of(tmp_path / "again"), lake="ducklake:postgres:dbname=lake")
    with pytest.raises(UsageError, match="OVERBUILD_WAREHOUSE names a lake"):
        backup.restore(tmp_path / "saved", home, lambda _: None, 0)
    assert not home.root.exists()


def test_one_that_is_written_wrong_is_noticed_at_once(paths, tmp_path, monkeypatch):
    copied = backup._copied

    def on_a_bad_disk(source: Path, root: Path, name: Path):
        line = copied(source, root, name)
        if name.name == "warehouse.duckdb":
            files.write(root / name, b"other bytes")
        return line

    monkeypatch.setattr(backup, "_copied", on_a_bad_disk)
    with pytest.raises(DamagedError, match=r"warehouse\.duckdb: this file of the backup is damaged: expected SHA-256"):
        backup.write(paths, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("name", ["releases/run3/warehouse.duckdb", "releases/run3/site/index.html", "backup.jsonl"])
def test_a_damaged_backup_is_refused_before_anything_is_written(paths, tmp_path, name):
    backup.write(paths, tmp_path / "saved")
    spoiled = tmp_path / "saved" / name
    spoiled.chmod(0o644)
    spoiled.write_bytes(b"{}\n" + spoiled.read_bytes()[3:])
    with pytest.raises(DamagedError, match="damaged"):
        restored(tmp_path / "saved", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_one_of_a_later_program_is_refused_by_name_and_one_that_leads_elsewhere(paths, tmp_path):
    backup.write(paths, tmp_path / "saved")
    listed = tmp_path / "saved" / "backup.jsonl"
    head, *lines = listed.read_text().splitlines()
    listed.write_text(
        "\n".join([json.dumps(json.loads(head) | {"schema_version": 99, "program_version": "7.8"}), *lines])
    )
    with pytest.raises(UsageError, match=r"version 99 of the schema, written by overbuild 7\.8;"):
        backup.read(tmp_path / "saved")
    for name in (
        *("../elsewhere", "/elsewhere", "raw/../../x", "releases", "releases/run9", "current", ".lock", "sql_history"),
        *(
            "schedule/server.json",
            "schedule/deeper/a.json",
            "raw/a\0b/c",
            "raw/ab/\ud800",
            "overbuild.toml",
            "work/run9/x",
            "",
        ),
    ):  # the note of a server would have the next `serve` speak to whatever it names
        listed.write_text("\n".join([head, json.dumps({"path": name, "bytes": 1, "sha256": "0" * 64})]))
        with pytest.raises(DamagedError, match="the list of this backup is damaged"):
            backup.read(tmp_path / "saved")
    for spoiled in ({"dated": ["2025-02-01"]}, {"dated": {"../x": "run2"}}, {"run_id": 3}, {"schema_version": "1"}):
        listed.write_text("\n".join([json.dumps(json.loads(head) | spoiled), *lines]))
        with pytest.raises(DamagedError, match="the list of this backup is damaged"):
            backup.read(tmp_path / "saved")


def test_a_document_that_changed_is_left_out_and_named(paths, tmp_path):
    [document] = archive.documents(paths.raw)
    document.chmod(0o644)
    document.write_bytes(b"another")
    found = backup.write(paths, tmp_path / "saved")
    assert len(found.left_out) == 1
    assert str(document) in found.left_out[0]
    assert restored(tmp_path / "saved", tmp_path / "again").current.exists()


def test_a_damaged_answer_is_not_backed_up(paths, tmp_path):
    file = (paths.current / "warehouse.duckdb").resolve()
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedError, match=r"the published warehouse is damaged"):
        backup.write(paths, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_an_interrupted_restoring_goes_on(paths, tmp_path, monkeypatch):
    backup.write(paths, tmp_path / "saved")
    with monkeypatch.context() as patch:
        patch.setattr(files, "point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            restored(tmp_path / "saved", tmp_path / "again")
    assert bytes_of(restored(tmp_path / "saved", tmp_path / "again").root) == bytes_of(paths.root)


def test_the_commands_say_what_they_did(paths, tmp_path):
    done = command(paths.root, "backup", str(tmp_path / "saved"))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'saved'}\n")
    assert "run run3 and 1 dated" in done.stderr
    assert "each read back" in done.stderr
    done = command(tmp_path / "again", "restore", str(tmp_path / "saved"))
    assert done.returncode == 0
    assert "run run3 is published again" in done.stderr
    done = command(paths.root, "backup", str(tmp_path / "saved"))
    assert done.returncode == 2


def test_a_line_of_a_seal_whose_name_no_file_can_have_counts_for_nothing():
    line = {"path": "site/a", "bytes": 1, "mtime_ns": 1, "sha256": "0"}
    assert seals._is_sealed_file(line)
    for name in ("site/\ud800", "site/\0", "../a", "/a"):
        assert not seals._is_sealed_file(line | {"path": name})
