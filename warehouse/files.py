"""Files that are never half there: how this project writes, links and replaces them."""

from __future__ import annotations

import os
import shutil


def link(source: str, target: str) -> None:
    """A file that no longer changes, in a second folder: the same file where the file system can, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
