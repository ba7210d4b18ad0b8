"""Which marts stand: those that would come out as they are, because nothing that they read has changed.

A day brings one new bar of each ticker, and most marts read no prices. A mart is a function of the frames that it reads,
of the assumptions, and where it asks for it of the day. So it need not run where the rows of its frames are what they
were, and the assumptions answer the same to all that it looked up. What it looks up is noted while it runs (`Noting`): a
function that is given the same, and hears the same answers to what it asked before, asks the same again.

Rows are compared by a hash of each frame. A mart that ran and came out as before has the hash that it had: then those
that read it stand, too. Polars and NumPy promise the same result of the same version alone. So whoever keeps marts from
one run to the next puts the versions into what he compares (`program`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart

EVERYTHING = "*"


@dataclass(frozen=True)
class Made:
    """How a mart came about: digests of what it was given, of what the assumptions answered, and of its rows."""

    given: str
    looked_up: tuple[str, ...]
    answered: str
    content: str
    days: tuple[str, ...] = ()
    """Of a mart that answers as of several days: each earlier one with a digest of what its rows were made of."""


class Frames(dict[str, pl.DataFrame]):
    """Frames by name; one that is not there is read when it is first asked for."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], read: Callable[[str], pl.DataFrame]) -> None:
        super().__init__(frames)
        self._read = read

    def __missing__(self, name: str) -> pl.DataFrame:
        self[name] = self._read(name)
        return self[name]


def content(frame: pl.DataFrame) -> str:
    """A hash of columns, types, values and the order of rows."""
    rows = frame.hash_rows(seed=0).to_numpy().tobytes() if frame.width else b""
    return hashlib.sha256(repr(frame.schema).encode() + rows).hexdigest()


def known_rows(frame: pl.DataFrame) -> Callable[[date], str]:
    """A function that gives the hash of the rows of a frame that were known by a day, in their order."""
    hashes, known_on = frame.hash_rows(seed=0), frame.get_column("known_on")
    schema = repr(frame.schema).encode()
    return lambda day: hashlib.sha256(schema + hashes.filter(known_on <= day).to_numpy().tobytes()).hexdigest()


def given(mart: Mart, contents: Mapping[str, str], as_of: date, program: str = "") -> str:
    """A digest of all that a mart is given but for the assumptions. `contents` are the hashes of the frames that it reads."""
    day = "" if mart.is_dateless else as_of.isoformat()
    return digest(program, mart.name, day, *(contents[name] for name in mart.inputs))


def answered(looked_up: Collection[str], dated: Assumptions) -> str:
    """A digest of what the assumptions of a day say to what was looked up."""
    return digest(*(f"{name}={_answer(name, dated)}" for name in sorted(looked_up)))


def stands(before: Made | None, given: str, dated: Assumptions) -> bool:
    """Whether a mart that was made like this before comes out the same, `given` this and the assumptions of the day."""
    return before is not None and before.given == given and before.answered == answered(before.looked_up, dated)


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# -- what a mart looks up ---------------------------------------------------------------------------------------------


class _Noted(dict[str, Any]):
    """Entries by name that note which of them are looked up, or that all were."""

    def __init__(self, entries: Mapping[str, Any], noted: set[str]) -> None:
        super().__init__(entries)
        self._noted = noted

    def __getitem__(self, name: str) -> Any:
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
    """Assumptions of a day that note what is looked up in `noted`; whoever asks for more than that has read all."""

    def __init__(self, dated: Assumptions) -> None:
        self.plain, self.noted = dated, set[str]()
        self.day, self._of_day = dated.day, {}
        self._entries, self._whole = _Noted(dated._entries, self.noted), _Noted(dated._whole, self.noted)
        self.early = _Members(dated.early, "early", self.noted)
        self.overridden = _Members(dated.overridden, "overridden", self.noted)

    @property
    def asked(self) -> frozenset[str]:
        """Names of the entries that were looked up; of all, where it might have been any."""
        names = {name.partition(":")[2] or name for name in self.noted}
        return frozenset(self.plain._whole) if EVERYTHING in names else frozenset(names)

    def as_of(self, day: date) -> Assumptions:
        return self if day == self.day else self._all().as_of(day)

    def replaced(self, changes: Mapping[str, Any], where: str = "override") -> Assumptions:
        return self._all().replaced(changes, where)

    @property
    def sha256(self) -> str:
        return self._all().sha256

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Assumptions:
        self.noted.add(EVERYTHING)
        return self.plain


class _Members(tuple[str, ...]):
    """Names that note of which one it was asked whether it is among them, or that all were looked at."""

    def __new__(cls, names: Collection[str], kind: str, noted: set[str]) -> _Members:
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
    kind, _, member = name.partition(":")
    if member:
        among = getattr(dated, kind)
        return json.dumps(among if member == EVERYTHING else member in among)
    if name == EVERYTHING:
        return json.dumps([dated._entries, dated._whole, dated.overridden, dated.early], sort_keys=True, default=str)
    return json.dumps([dated._entries.get(name), dated._whole.get(name)], sort_keys=True, default=str)
