"""Which chip, and how many of it, stands behind a name in a price list.

Everybody names the same chip differently ("NVIDIA H100 80GB HBM3", "h100-sxm5-80gb", `p5.48xlarge`). Some names hide
the count, and some lists state a wrong one. One chip's name is part of another's (B200 in GB200, A10 in A100). Guessing
from parts of a name has put a GB200's price under B200 in public indices. So a name is looked up whole in one table
kept as data, `gpu_names.csv`, and a name that is not there is unknown. A count of GPUs around a name that is there is
read ("8x H100", "H100 SXM5 x 8"). The table's columns:

    provider    whose name it is, as in `core.gpu_prices`; * for names of chips that anybody may use
    match       exact: but for case, blanks, signs and the maker's name; pattern: a regular expression for the whole
                name, whose group `n`, where it has one, is the number of GPUs
    gpu_model   the chip; empty where we know the name and leave it out (`note` says why)
    gpu_count   GPUs behind the name; it overrules the list's own count; empty: the list's count (or `n`) stands
    fraction    part of one GPU that is sold under the name, such as 1/6
    memory_gb   memory of one such chip: an offer that states much less is a slice of it

`gpu_providers.csv` says, for sources that list many providers, which provider and class stands behind their short
names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources

ANYBODY = "*"
MOST_GPUS = 9_999
"""No offer has more GPUs: a name that says so is misread, and its price would be divided by it."""
# Makers' names, series and prefixes that stand before the name of a chip and say nothing about it.
_BEFORE = re.compile(
    r"^(nvidia|amd|google|cloud|instinct|tesla|geforce|datacenter|gpu|standard_|[\s:_-])+", re.IGNORECASE
)
# A number of GPUs before or after a name, which may itself be in the table.
_COUNTED = (
    re.compile(r"(?P<n>[1-9]\d*)\s*[x×]\s*(?P<chip>\D.*)", re.IGNORECASE),
    # A capital X before a number is a generation of machines (Oracle's "H100 - X9").
    re.compile(r"(?P<chip>.*[\w)])\s*[x×:]\s*(?P<n>[1-9]\d*)"),
)
# Less than this share of the chip's memory cannot be the whole chip: makers and sellers round by a few percent only.
_WHOLE = Fraction(3, 4)


@dataclass(frozen=True)
class Named:
    """What stands behind a name; `gpu_model` is empty where a known name is left out, for the reason in `note`."""

    gpu_model: str
    gpu_count: int | None = None
    fraction: Fraction | None = None
    memory_gb: float | None = None
    note: str = ""

    def is_slice(self, memory_gb: float | None) -> bool:
        """Whether an offer with this memory for each GPU is a part of the chip only."""
        return bool(memory_gb and self.memory_gb and memory_gb < self.memory_gb * _WHOLE)


@dataclass(frozen=True)
class Provider:
    """Who stands behind a short name. `regions` are the ones that are loaded (all where empty). `licence` is the name
    under which the user states to hold one, where the provider's terms ask for it. `note` goes into every row.
    """

    name: str
    provider: str
    provider_class: str
    regions: tuple[str, ...] = ()
    licence: str = ""
    note: str = ""


def look_up(name: str, provider: str = ANYBODY) -> Named | None:
    """What stands behind `name` in a list of `provider`: its own names first, then names of chips. None: unknown."""
    for whose in dict.fromkeys((provider, ANYBODY)):
        exact, patterns = _table().get(whose, ({}, ()))
        if found := exact.get(plain(name)):
            return found
        for pattern, named in patterns:
            if matched := pattern.fullmatch(name.strip()):
                count = matched.groupdict().get("n")
                return named if count is None else _counted(named, count)
    for counted in _COUNTED:
        if matched := counted.fullmatch(name.strip()):
            chip = look_up(matched["chip"], provider)
            if chip is not None and chip.gpu_count is None:
                return _counted(chip, matched["n"]) if chip.gpu_model else chip
    return None


def plain(name: str) -> str:
    """`name` without case, blanks, signs and the maker's name: NVIDIA H100-80GB -> h10080gb."""
    return re.sub(r"[^a-z0-9.]", "", _BEFORE.sub("", name.strip()).lower())


def providers(source: str) -> Mapping[str, Provider]:
    """The providers that a source lists, by the source's short name."""
    return _providers().get(source, {})


def _counted(named: Named, digits: str) -> Named | None:
    """`named` with a number of GPUs; None where no offer has so many, or none at all."""
    if len(digits) > len(str(MOST_GPUS)) or not 1 <= (count := int(digits)) <= MOST_GPUS:
        return None
    return Named(named.gpu_model, count, named.fraction, named.memory_gb, named.note)


_Names = tuple[dict[str, Named], tuple[tuple[re.Pattern[str], Named], ...]]


@cache
def _table() -> dict[str, _Names]:
    return read(_rows("gpu_names.csv"))


def read(rows: Iterable[Mapping[str, str]]) -> dict[str, _Names]:
    """The table of names by provider. Raises ValueError for a line that contradicts another or cannot be read."""
    exact: dict[str, dict[str, Named]] = {}
    patterns: dict[str, list[tuple[re.Pattern[str], Named]]] = {}
    for row in rows:
        named = Named(
            row["gpu_model"],
            int(row["gpu_count"]) if row["gpu_count"] else None,
            Fraction(row["fraction"]) if row["fraction"] else None,
            float(row["memory_gb"]) if row["memory_gb"] else None,
            row["note"],
        )
        if row["match"] == "pattern":
            patterns.setdefault(row["provider"], []).append((re.compile(row["name"], re.IGNORECASE), named))
            exact.setdefault(row["provider"], {})
        elif row["match"] == "exact":
            known = exact.setdefault(row["provider"], {})
            if known.setdefault(plain(row["name"]), named).gpu_model != named.gpu_model:
                raise ValueError(f"gpu_names.csv: {row['provider']} {row['name']} stands for two chips; keep one line.")
        else:
            raise ValueError(f"gpu_names.csv: {row['name']}: match is {row['match']!r}; write exact or pattern.")
    return {provider: (names, tuple(patterns.get(provider, ()))) for provider, names in exact.items()}


@cache
def _providers() -> dict[str, dict[str, Provider]]:
    found: dict[str, dict[str, Provider]] = {}
    for row in _rows("gpu_providers.csv"):
        found.setdefault(row["source"], {})[row["name"]] = Provider(
            row["name"],
            row["provider"],
            row["provider_class"],
            tuple(filter(None, row["regions"].split("|"))),
            row["licence"],
            row["note"],
        )
    return found


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("warehouse.sources.common").joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
