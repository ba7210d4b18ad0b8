"""Generated pages: written by `make docs`, and held to what they should be by `make lint`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHOWN_LINES = 40


def written(made: Mapping[Path, str], *, check: bool = False) -> int:
    """Write pages, given as their text by path; with `check`, write none and say which differ. The exit code: 1 where one does."""
    if check:
        return int(bool([path for path, text in made.items() if is_stale(path, text)]))
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def is_stale(path: Path, wanted: str) -> bool:
    """Whether a file is not as it should be; prints in what it differs."""
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    if found == wanted:
        return False
    lines = found.splitlines(), wanted.splitlines()
    diff = difflib.unified_diff(*lines, "as it is", "as it should be", lineterm="")
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    print("\n".join([f"{name} is stale; run `make docs`:", *list(diff)[:SHOWN_LINES]]))
    return True
