"""A file is whole or as it was before, whatever goes wrong and whoever else writes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from io import FileIO
from pathlib import Path

import pytest

from warehouse import files, processes
from warehouse.paths import create_folders, paths_of
from warehouse.settings import Settings


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "memory.json"
    files.write(path, "{}")
    files.write(path, "\u00e4\n")
    assert path.read_bytes() == "\u00e4\n".encode()
    files.write(path, b"\x00")
    assert path.read_bytes() == b"\x00"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "memory.json"
    files.write(path, "before")

    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        files.write(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_an_ended_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path):
    program = (
        "import sys; from pathlib import Path; from warehouse import files\n"
        "with files.temporary(Path(sys.argv[1]), 'current') as new:\n"
        "    new.mkdir(); (new / 'half').write_text('written'); print(new.name, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = tmp_path / other.stdout.readline().strip()
        assert files.sweep(tmp_path) == []
        assert (left / "half").exists()
        other.kill()
    with files.temporary(tmp_path, "ours") as ours:
        ours.write_text("unfinished")
        assert files.sweep(tmp_path) == [left]
        assert list(tmp_path.iterdir()) == [ours]


@pytest.mark.parametrize(
    "name", ["", "raw", "raw/fetches", "schedule", "backfill", "later/20261009T073000-abcd", "work"]
)
def test_a_run_that_starts_removes_what_ended_ones_left_in_any_folder_that_runs_write_into(tmp_path, name):
    home = paths_of(Settings(home=tmp_path))
    (tmp_path / name).mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as other:
        left = tmp_path / name / f".said.json.{processes.of(other.pid)}.0badcafe"
        left.write_text("")
        create_folders(home)
        assert left.exists(), "its process lives"
        other.communicate(b"\n")
    create_folders(home)
    assert not left.exists()


def test_of_another_machine_only_what_is_a_day_old_is_removed(tmp_path):
    one = tmp_path / ".current.1-1-00000000.0badcafe"
    one.write_text("")
    assert files.sweep(tmp_path) == []
    os.utime(one, (0, 0))
    assert files.sweep(tmp_path) == [one]


def test_no_other_file_is_taken_for_unfinished(tmp_path):
    for name in (".lock", ".env", ".current.1-1.0badcafe", "1-1-00000000.0badcafe", ".x.1-1-00000000.0badcafe.csv"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, 0))
    assert files.sweep(tmp_path) == []


def test_what_gets_a_name_is_on_disk_before_and_its_name_before_going_on(tmp_path, monkeypatch):
    """The order that a power cut asks for: contents, then the name, then the folder that holds the name."""
    done, fsync, replace = [], os.fsync, Path.replace

    def syncing(descriptor):
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def replacing(self, target):
        done.append(f"-> {Path(target).name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "replace", replacing)
    built = tmp_path / "built"
    (built / "site").mkdir(parents=True)
    (built / "site" / "index.html").write_text("")
    files.put(built, tmp_path / "release")
    assert set(done[:3]) == {"built", "site", "index.html"}
    assert done[3:] == ["-> release", tmp_path.name]
    done.clear()
    files.write(tmp_path / "memory.json", "{}")
    assert [name.split(".")[1] if name.startswith(".") else name for name in done] == [
        "memory", "-> memory.json", tmp_path.name,
    ]  # fmt: skip
    done.clear()
    files.point(tmp_path / "current", tmp_path / "release")
    assert done == ["-> current", tmp_path.name]


def test_a_link_is_switched_whatever_it_was(tmp_path):
    one, other, link = tmp_path / "releases" / "1", tmp_path / "releases" / "2", tmp_path / "as-of" / "today"
    one.mkdir(parents=True)
    other.mkdir()
    for target in (one, tmp_path / "nowhere", other):
        files.point(link, target)
        assert not link.readlink().is_absolute()
        assert link.resolve() == target.resolve()
    assert list(link.parent.iterdir()) == [link]


def test_a_line_is_added_below_one_that_was_cut_short(tmp_path):
    path = tmp_path / "log" / "source.jsonl"
    files.append(path, '{"a": 1}')
    path.write_bytes(path.read_bytes() + b'{"cut')
    files.append(path, '{"b": "\u00e4\u2028"}')
    files.append(path, '{"c": 3}')
    assert path.read_bytes().split(b"\n") == [b'{"a": 1}', b'{"cut', '{"b": "\u00e4\u2028"}'.encode(), b'{"c": 3}', b""]


def test_several_lines_are_not_one(tmp_path):
    with pytest.raises(ValueError, match="must be one line"):
        files.append(tmp_path / "log", "a\nb")
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_does_not_fit_is_not_there_at_all(tmp_path, monkeypatch):
    path = tmp_path / "log"
    files.append(path, "first")
    monkeypatch.setattr(Path, "open", lambda path, mode="r", *_, **__: _FullDisk(path, mode))
    with pytest.raises(OSError, match="No space left"):
        files.append(path, "second")
    assert path.read_bytes() == b"first\n"


class _FullDisk(FileIO):
    """A file on a disk that is full after three bytes."""

    def write(self, added: bytes) -> int:  # type: ignore[override]
        return super().write(added[:3])


def test_processes_add_whole_lines_at_once(tmp_path):
    path = tmp_path / "log"
    program = "import sys; from pathlib import Path; from warehouse import files\n"
    program += f"for n in range(50): files.append(Path({str(path)!r}), sys.argv[1] * 3000 + f' {{n}}')"
    writers = [subprocess.Popen([sys.executable, "-c", program, letter]) for letter in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(f"{letter * 3000} {n}" for letter in "abc" for n in range(50))


def test_whoever_holds_the_lock_may_add(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with files.locked(path):
        files.append(path, "decided")
    assert path.read_text() == "decided\n"


def test_a_clone_is_a_file_of_its_own(tmp_path):
    source, target = tmp_path / "published", tmp_path / "copy"
    source.write_bytes(b"0123456789" * 1000)
    source.chmod(0o444)
    files.clone(source, target)
    with target.open("r+b") as file:
        file.write(b"changed")
    assert target.read_bytes() == b"changed" + source.read_bytes()[7:]
    assert source.read_bytes() == b"0123456789" * 1000


def test_where_the_file_system_shares_blocks_no_byte_is_copied(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    source, target = tmp_path / "published", tmp_path / "copy"
    source.write_bytes(b"x")
    asked = []
    monkeypatch.setattr(fcntl, "ioctl", lambda *of: asked.append(of))
    monkeypatch.setattr(files.shutil, "copyfile", None)
    assert files.clone(source, target)
    [(written, request, read)] = asked
    assert request == 0x40049409
    assert written != read
