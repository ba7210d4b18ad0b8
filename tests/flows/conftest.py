"""What the tests of whole runs share: a copy of the snapshot whose files can be edited."""

from __future__ import annotations

import shutil

import pytest

from tests.flows.snapshot import edit
from tests.runs import REFERENCE


@pytest.fixture
def corrupted(tmp_path):
    """A copy of the snapshot, and a function that edits the text of one of its files."""
    copy = tmp_path / "reference"
    shutil.copytree(REFERENCE, copy)

    def change_file(name, change):
        edit(copy / name, change)
        return copy

    return change_file
