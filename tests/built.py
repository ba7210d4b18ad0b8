"""Marts built once for all tests that ask the same of the same facts.

A mart is a function of the frames that it reads, the day and the assumptions (`warehouse.marts.common.mart`). Dozens of
test files ask for the same event study or verdict. So `build` here gives what it gave before, in this process or another
of the session, where nothing that the mart read has changed: its facts, the marts before it, its code's day, and the
assumptions that it looked up. A what-if of one number builds anew only what looks that number up.

What tests change by hand in the code is not seen here. A test that patches a mart, or that is about building twice, takes
`warehouse.marts.build`.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts, known
from warehouse.marts.verdict.replay import chain

FOLDER: list[Path] = []
"""Where processes of one session share what they built (tests/conftest.py puts it); empty: this process alone."""

KEPT = 1000  # frames in memory
EVERYTHING = "*"

_frames: OrderedDict[str, pl.DataFrame] = OrderedDict()
_reads: dict[str, dict[str, set[str]]] = {}


def build(
    facts: Mapping[str, pl.DataFrame], *, as_of: date, assumptions: Assumptions, only: Collection[str] | None = None
) -> dict[str, pl.DataFrame]:
    """As `warehouse.marts.build`, which it is held against in tests/marts/test_built.py."""
    frames, dated = known(facts, as_of), assumptions.as_of(as_of)
    digests: dict[str, str] = {}
    built: dict[str, pl.DataFrame] = {}
    for name, mart in (all_marts() if only is None else chain(only)).items():
        for read in mart.inputs:
            if read not in digests:
                digests[read] = content(frames[read])
        asked = _digest(name, str(as_of), *(digests[read] for read in mart.inputs))
        found, key = _made(asked, dated)
        if found is None:
            noting = Noting(dated)
            found = mart.run({**frames, **built}, as_of=as_of, assumptions=noting)
            key = _keep(asked, noting.noted, dated, found)
        built[name], digests[name] = found, key
    return built


def content(frame: pl.DataFrame) -> str:
    """A hash of columns, types, values and the order of rows."""
    rows = frame.hash_rows(seed=0).to_numpy().tobytes() if frame.width else b""
    return hashlib.sha256(repr(frame.schema).encode() + rows).hexdigest()


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
    return _digest(asked, *(f"{name}={_answer(name, dated)}" for name in sorted(names)))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# -- what a mart looks up ---------------------------------------------------------------------------------------------


class Noted(dict[str, Mapping[str, Any]]):
    """Entries by name that note which of them are looked up, or that all were."""

    def __init__(self, entries: Mapping[str, Any], noted: set[str]) -> None:
        super().__init__(entries)
        self._noted = noted

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        self._noted.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self._noted.add(EVERYTHING)
        return super().__iter__()

    def items(self) -> Any:
        self._noted.add(EVERYTHING)
        return super().items()

    def __or__(self, other: Any) -> Any:
        self._noted.add(EVERYTHING)
        return super().__or__(other)


class Noting(Assumptions):
    """Assumptions of a day that note which entries are looked up (`noted`); whoever asks for more has read all."""

    def __init__(self, dated: Assumptions) -> None:
        self.plain, self.noted = dated, set[str]()
        self.day, self._of_day = dated.day, {}
        self._entries, self._whole = Noted(dated._entries, self.noted), Noted(dated._whole, self.noted)
        self.early = Members(dated.early, "early", self.noted)
        self.overridden = Members(dated.overridden, "overridden", self.noted)

    def as_of(self, day: date) -> Assumptions:
        return self if day == self.day else self._all().as_of(day)

    def replaced(self, changes: Mapping[str, Any], where: str = "override") -> Assumptions:
        return self._all().replaced(changes, where)

    @property
    def sha256(self) -> str:  # type: ignore[override]
        return self._all().sha256

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Assumptions:
        self.noted.add(EVERYTHING)
        return self.plain


class Members(tuple[str, ...]):
    """Names that note of which one it was asked whether it is among them, or that all were looked at."""

    def __new__(cls, names: Collection[str], kind: str, noted: set[str]) -> Members:
        made = super().__new__(cls, names)
        made.kind, made.noted = kind, noted
        return made

    kind: str
    noted: set[str]

    def __contains__(self, name: object) -> bool:
        self.noted.add(f"{self.kind}:{name}")
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.noted.add(f"{self.kind}:{EVERYTHING}")
        return super().__iter__()

    def __len__(self) -> int:
        self.noted.add(f"{self.kind}:{EVERYTHING}")
        return super().__len__()


def _answer(name: str, dated: Assumptions) -> str:
    """What the assumptions of a day say to what was looked up."""
    kind, _, member = name.partition(":")
    if member:
        among = getattr(dated, kind)
        return json.dumps(among if member == EVERYTHING else member in among)
    if name == EVERYTHING:
        return json.dumps([dated._entries, dated._whole, dated.overridden, dated.early], sort_keys=True, default=str)
    return json.dumps([dated._entries.get(name), dated._whole.get(name)], sort_keys=True, default=str)
