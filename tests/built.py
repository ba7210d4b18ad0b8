"""Marts built once for all tests that ask the same of the same facts.

Dozens of test files ask for the same event study or verdict. So `build` here gives what it gave before, in this process or
another of the session, where nothing that the mart read has changed (`warehouse.marts.common.standing`, by which a run
knows it, too). A what-if of one number builds anew only what looks that number up.

What tests change by hand in the code is not seen here. A test that patches a mart, or that is about building twice, takes
`warehouse.marts.build`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts, known
from warehouse.marts.common.standing import Noting, answered, content, digest, given
from warehouse.marts.verdict.replay import chain

FOLDER: list[Path] = []
"""Where processes of one session share what they built (tests/conftest.py puts it); empty: this process alone."""

KEPT = 1000  # frames in memory

_frames: OrderedDict[str, pl.DataFrame] = OrderedDict()
_reads: dict[str, dict[str, set[str]]] = {}


def build(
    facts: Mapping[str, pl.DataFrame],
    *,
    as_of: date,
    assumptions: Assumptions,
    only: Collection[str] | None = None,
    apart: str = "",
) -> dict[str, pl.DataFrame]:
    """As `warehouse.marts.build`, which it is held against in tests/marts/test_built.py.

    `apart` names what the caller changed in the code: only builds of the same name share what they built.
    """
    frames, dated = known(facts, as_of), assumptions.as_of(as_of)
    digests: dict[str, str] = {}
    built: dict[str, pl.DataFrame] = {}
    for name, mart in (all_marts() if only is None else chain(only)).items():
        for read in mart.inputs:
            if read not in digests:
                digests[read] = content(frames[read])
        asked = given(mart, digests, as_of) + apart
        found, key = _made(asked, dated)
        if found is None:
            noting = Noting(dated)
            found = mart.run({**frames, **built}, as_of=as_of, assumptions=noting)
            key = _keep(asked, noting.noted, dated, found)
        built[name], digests[name] = found, key
    return built


# -- what was built before ----------------------------------------------------------------------------------------------


def _made(asked: str, dated: Assumptions) -> tuple[pl.DataFrame | None, str]:
    """What was built with the same answers to all that the mart looked up, and its key."""
    shared = [path for folder in FOLDER for path in (folder / asked).glob("*.json")]
    known_here = _reads.setdefault(asked, {})
    known_here.update({path.stem: set(json.loads(path.read_text())) for path in shared if path.stem not in known_here})
    for key, names in known_here.items():
        if key == _key(asked, names, dated):
            if key not in _frames:
                paths = [folder / asked / f"{key}.ipc" for folder in FOLDER]
                if not paths or not paths[0].exists():
                    continue
                _remember(key, pl.read_ipc(paths[0]))
            return _frames[key], key
    return None, ""


def _keep(asked: str, names: set[str], dated: Assumptions, frame: pl.DataFrame) -> str:
    key = _key(asked, names, dated)
    _reads[asked][key] = names
    _remember(key, frame)
    for folder in FOLDER:
        there = folder / asked
        there.mkdir(parents=True, exist_ok=True)
        frame.write_ipc(there / f"{key}.part")
        (there / f"{key}.part").replace(there / f"{key}.ipc")
        (there / f"{key}.names").write_text(json.dumps(sorted(names)))
        (there / f"{key}.names").replace(there / f"{key}.json")  # last, and at once: who reads it finds the frame
    return key


def _remember(key: str, frame: pl.DataFrame) -> None:
    _frames[key] = frame
    while len(_frames) > KEPT:
        _frames.popitem(last=False)


def _key(asked: str, names: set[str], dated: Assumptions) -> str:
    return digest(asked, answered(names, dated))
