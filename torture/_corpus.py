"""The corpus that the repository keeps: per source a few small inputs that reach lines which the source's seed does not.

    python -m torture._corpus    picks them anew, of what is kept already and what Atheris left in build/corpus

Atheris keeps hundreds of inputs, most of them for a branch or a count that another one reaches almost as well. What is kept
here is the least that goes everywhere they go, line by line, up to a few kilobytes in all. Every build reads each of them
(tests/sources/test_corpus.py), and `torture.coverage` starts from them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from tests.sources.mutations import SEEDS, Seed, outcome

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "torture" / "corpus"
FOUND = ROOT / "build" / "corpus"
SOURCES = str(ROOT / "warehouse" / "sources")
MOST = 4
MOST_BYTES = 2_000
"""Inputs of one seed, and how long one may be."""

Line = tuple[str, int]


def inputs(folder: Path, seed: Seed) -> list[bytes]:
    """What a corpus holds of a seed, the shortest first."""
    found = {path.read_bytes() for path in (folder / seed.name).glob("*") if path.is_file()}
    return sorted(found, key=lambda body: (len(body), body))


def folders(seed: Seed) -> list[str]:
    """The folder of what is kept of a seed, where there is one."""
    return [str(KEPT / seed.name)] if (KEPT / seed.name).is_dir() else []


def lines(seed: Seed, body: bytes) -> set[Line]:
    """Lines of the sources' code that are run while a document is read."""
    reached: set[Line] = set()

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(SOURCES) else None

    sys.settrace(trace)
    try:
        with suppress(Exception):  # what is no refusal is found by the test that reads what is kept
            outcome(seed, body)
    finally:
        sys.settrace(None)
    return reached


def picked(seed: Seed, bodies: Iterable[bytes]) -> Iterator[bytes]:
    """Those that reach most new lines first, until none reaches one."""
    reached = lines(seed, seed.body)
    left = {body: lines(seed, body) for body in bodies if len(body) <= MOST_BYTES}
    for _ in range(MOST):
        if not left:
            return
        body = max(left, key=lambda one: (len(left[one] - reached), -len(one), one))
        if not left[body] - reached:
            return
        reached |= left.pop(body)
        yield body


def main() -> None:
    for seed in SEEDS:
        chosen = list(picked(seed, {*inputs(KEPT, seed), *inputs(FOUND, seed)}))
        folder = KEPT / seed.name
        for path in folder.glob("*"):
            path.unlink()
        if chosen:
            folder.mkdir(parents=True, exist_ok=True)
        for body in chosen:
            (folder / hashlib.sha256(body).hexdigest()[:12]).write_bytes(body)
        print(f"{seed.name}: {len(chosen)} inputs, {sum(map(len, chosen)):,} bytes", flush=True)


if __name__ == "__main__":
    main()
