"""A short form of `python -m torture.kills`: each scene is interrupted at some of its file operations, in every way."""

from __future__ import annotations

import errno
import os

import pytest

from torture import _interrupt as interrupt
from torture import _scenes as scenes
from torture._interrupt import KINDS
from torture._points import Point, in_child
from warehouse import files

SCENES = scenes.all_scenes()
FORGETTING = [kind for kind in KINDS if kind.name.startswith("power cuts, ")]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_what_is_interrupted_stays_whole_and_is_done_the_next_time(scene):
    with interrupt.prepared(scene) as afresh:
        count = interrupt.operations(scene, afresh)
        forgetting = FORGETTING[SCENES.index(scene) % len(FORGETTING)]
        for number, kind in enumerate([*(kind for kind in KINDS if kind not in FORGETTING), forgetting]):
            at = 1 + (number * count) // (len(KINDS) - 2)
            assert interrupt.interrupted(scene, afresh, kind, at) is None, f"{kind.name} at operation {at} of {count}"


def test_a_rename_before_what_was_written_is_on_disk_is_found_out(tmp_path):
    """The harness notices what it is there for: an atomic write without syncing leaves an empty file after a power cut."""

    def write(paths):
        paths.root.mkdir(exist_ok=True)
        new = paths.root / "new"
        new.write_text("whole")
        new.replace(paths.root / "memory")
        (paths.root / "after").write_text("")

    def holds(paths, done):
        scenes.require((paths.root / "memory").read_text() == "whole", "the file is empty")

    careless = scenes.Scene("careless", write, write, holds)
    power = next(kind for kind in KINDS if kind.name == "power cuts")
    with interrupt.prepared(careless) as afresh:
        count = interrupt.operations(careless, afresh)
        found = [interrupt.interrupted(careless, afresh, power, at) for at in range(1, count + 1)]
    assert found[-1] == "AssertionError: the file is empty"


@pytest.mark.parametrize(
    ("synced", "found"), [(True, None), (False, "AssertionError: it was told of, and is not there")]
)
def test_names_that_were_not_synced_are_taken_back(synced, found):
    """A rename is told of elsewhere before its folder is synced: after a power cut it may never have been."""

    def prepare(paths):
        for folder in (paths.root, paths.root / "a", paths.root / "b"):
            files.create_folder(folder)

    def write(paths):
        new, told = paths.root / "a" / "new", paths.root / "b" / "told"
        new.write_text("whole")
        files.sync(new)
        new.replace(new.with_name("memory"))
        if synced:
            files.sync(new.parent)
        told.write_text("it is there")
        files.sync(told)
        files.sync(told.parent)
        (paths.root / "after").write_text("")

    def holds(paths, done):
        told, memory = paths.root / "b" / "told", paths.root / "a" / "memory"
        scenes.require(not told.exists() or memory.exists(), "it was told of, and is not there")

    careless = scenes.Scene("careless", prepare, write, holds)
    power = next(kind for kind in KINDS if kind.name == "power cuts, all")
    with interrupt.prepared(careless) as afresh:
        count = interrupt.operations(careless, afresh)
        assert interrupt.interrupted(careless, afresh, power, count) == found


@pytest.mark.parametrize(
    ("way", "left"),
    [("all", {"old": "first"}), ("both", {"old": "second", "new": "second", "added": ""}), ("last", None)],
)
def test_ways_in_which_names_are_forgotten(tmp_path, way, left):
    root = tmp_path / "root"
    root.mkdir()
    (root / "old").write_text("first")

    def act():
        for path in (root / "new", root / "added"):
            path.write_text("second" if path.name == "new" else "")
            with path.open("rb") as file:
                os.fsync(file)
        (root / "new").replace(root / "old")
        (root / "last").write_text("")

    assert in_child(act, Point(root, "cut", 6, names=way)).killed
    found = {path.name: path.read_text() for path in root.iterdir()}
    assert found == left if left is not None else found["old"] in ("first", "second")


def test_an_operation_fails_as_it_was_told_to(tmp_path):
    def write():
        (tmp_path / "a").write_text("a")
        (tmp_path / "b").write_text("b")

    ended = in_child(write, Point(tmp_path, "fail", 2, errno.ENOSPC))
    assert (ended.killed, ended.code) == (False, 1)
    assert "No space left on device" in ended.said
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert in_child(write, Point(tmp_path, "kill", 1)).killed
