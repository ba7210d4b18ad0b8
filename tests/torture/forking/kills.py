"""A short form of `python -m torture.kills`: each scene is interrupted at some of its file operations, in every way."""

from __future__ import annotations

import errno

import pytest

from torture import _interrupt as interrupt
from torture import _scenes as scenes
from torture._interrupt import KINDS
from torture._points import Point, in_child


@pytest.mark.parametrize("scene", scenes.all_scenes(), ids=lambda scene: scene.name)
def test_what_is_interrupted_stays_whole_and_is_done_the_next_time(scene):
    with interrupt.prepared(scene) as afresh:
        count = interrupt.operations(scene, afresh)
        for number, kind in enumerate(KINDS):
            at = 1 + (number * count) // len(KINDS)
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


def test_an_operation_fails_as_it_was_told_to(tmp_path):
    def write():
        (tmp_path / "a").write_text("a")
        (tmp_path / "b").write_text("b")

    ended = in_child(write, Point(tmp_path, "fail", 2, errno.ENOSPC))
    assert (ended.killed, ended.code) == (False, 1)
    assert "No space left on device" in ended.said
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert in_child(write, Point(tmp_path, "kill", 1)).killed
