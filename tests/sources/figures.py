"""Oracles of what a document says: its rows as figures, the same said otherwise, and the same with one other number.

For the tests and the harness of wrong figures. A row stands here without its place in the document and without its
identifiers, which follow from what it says.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from tests.sources.mutations import ARCHIVE, BOUND, SEEDS, Seed, _places
from warehouse.errors import DocumentError

LEFT_OUT = frozenset({"locator", "observation_id", "fact_id", "document_sha256", "note", "citation"})
"""Columns that say where a row stands, or say its figures again."""
KEYS: dict[str, frozenset[str]] = {
    "aws": frozenset({"USD"}),
    "sec": frozenset({"val"}),
    "tiingo": frozenset({"open", "high", "low", "close", "volume"}),
    "vast": frozenset({"dph_total", "num_gpus"}),
    "yahoo": frozenset({"open", "high", "low", "close", "volume", "adjclose"}),
}
"""Members with figures; of other sources every number is one. A split changes all bars before it, rightly."""
CHOSEN_AMONG_FIGURES = ("epoch_models", "epoch_capabilities", "epoch_hardware", "yahoo_running")
"""Sources where one number decides which of several counts, or where an excerpt holds nothing else."""
SNAPSHOT = ("reference_gpu_prices", "reference_company_facts", "reference_article_claims")
"""All files of the snapshot are read by one parser."""
SAME = tuple(
    seed.name
    for seed in SEEDS
    if (not seed.name.startswith("reference_") or seed.name in SNAPSHOT) and seed.name not in (ARCHIVE, BOUND)
)
"""Not what is packed: a changed digit of it is a damaged file."""
COUNTED = tuple(name for name in SAME if name not in CHOSEN_AMONG_FIGURES)
ROWS_OF_ONE_NUMBER = 4
"""The size of a chip decides about all its prices: secure and community, each on demand and spot."""
CLOSE = 1e-5
"""Prices are kept to six decimals, and bars as shortest decimals of single precision."""
_NUMBER = re.compile(r"\d+(\.\d+)?")

Row = tuple[Any, ...]
Figures = Counter[Row]


@dataclass(frozen=True)
class Changed:
    """A body with one number changed from `old` to `new`."""

    body: bytes
    was: str
    now: str

    @property
    def old(self) -> float:
        return float(self.was.replace(",", ""))

    @property
    def new(self) -> float:
        return float(self.now.replace(",", ""))


def figures_of(seed: Seed, body: bytes) -> Figures | None:
    """The rows of a body with how often each stands there; None where the document is refused."""
    found: Figures = Counter()
    try:
        for batch in seed.parse(seed.with_body(body)):
            names = sorted(set(batch.frame.columns) - LEFT_OUT)
            for row in batch.frame.select(names).iter_rows():
                found[(batch.table.name, *((name, _plain(value)) for name, value in zip(names, row, strict=True)))] += 1
    except DocumentError:
        return None
    return found


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def wrong(seed: Seed, before: Figures | None, changed: Changed) -> str:
    """What is wrong with the rows after a number was changed; '' where each follows from the change, or none is given."""
    after = figures_of(seed, changed.body)
    if before is None or after is None:
        return ""
    gone, new = before - after, after - before
    if gone.total() > ROWS_OF_ONE_NUMBER or new.total() > ROWS_OF_ONE_NUMBER:
        return f"{changed.old} became {changed.new}: {gone.total()} rows went and {new.total()} came"
    for row in new.elements():
        appeared = changed.old == 0 and any(value == changed.new for _, value in row[1:])
        if not appeared and not any(_follows(old, row, changed) for old in gone):
            return f"{changed.old} became {changed.new}: {row} follows from none of {list(gone)}"
    return ""


def _follows(old: Row, new: Row, changed: Changed) -> bool:
    """Whether a row is another one with the change in its figures and nothing else."""
    if old[0] != new[0]:
        return False
    ratios = [changed.new / changed.old] if changed.old else []
    ratios += [changed.old / changed.new] if changed.new else []
    close = dict(new[1:]).get("close")
    for (name, was), (_, now) in zip(old[1:], new[1:], strict=True):
        if was == now:
            continue
        if isinstance(was, str) and isinstance(now, str):
            if was.replace(changed.was, changed.now) != now:
                return False
        elif (
            not _is_number(was)
            or not _is_number(now)
            or not (
                any(math.isclose(now, was * ratio, rel_tol=CLOSE) for ratio in ratios)
                or (name == "adj_close" and now == close < was)  # never above the close, of today's shares too
                or (math.isclose(was, changed.old, rel_tol=CLOSE) and math.isclose(now, changed.new, rel_tol=CLOSE))
            )
        ):
            return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- one other number -------------------------------------------------------------------------------------------------


def with_another_number(seed: Seed, chance: random.Random) -> Changed:
    """The seed's body with one digit of one of its figures changed."""
    if seed.is_json:
        return _in_json(seed, chance)
    text = seed.body.decode()
    if text.lstrip()[:1] == "<":
        found = chance.choice(list(re.finditer(r"(?<=>)[\d.,]*\d(?=</ix:nonFraction>)", text)))
        new = _other(found[0], chance)
        body = (text[: found.start()] + new + text[found.end() :]).encode()
        return Changed(body, found[0], new)
    rows = list(csv.reader(io.StringIO(text)))
    places = [(row, at) for row in rows[1:] for at, cell in enumerate(row) if _NUMBER.fullmatch(cell)]
    row, at = chance.choice(places)
    old, row[at] = row[at], _other(row[at], chance)
    return Changed(_as_csv(rows), old, row[at])


def _in_json(seed: Seed, chance: random.Random) -> Changed:
    tree = json.loads(seed.body)
    keys = KEYS.get(seed.name)
    places = []
    for holder, key in _places(tree):
        named = key if isinstance(key, str) else ""
        is_figure = isinstance(holder[key], int | float) and not isinstance(holder[key], bool)
        is_text = isinstance(holder[key], str) and _NUMBER.fullmatch(holder[key]) and keys and named in keys
        if (keys is None and is_figure) or (keys and named in keys and (is_figure or is_text)):
            places.append((holder, key))
        elif keys and named in keys and isinstance(holder[key], list):
            places += [(holder[key], at) for at, one in enumerate(holder[key]) if isinstance(one, int | float)]
    holder, key = chance.choice(places)
    old = holder[key]
    was = old if isinstance(old, str) else json.dumps(old)
    now = _other(was, chance)
    holder[key] = now if isinstance(old, str) else json.loads(now)
    return Changed(json.dumps(tree).encode(), was, now)


def _other(text: str, chance: random.Random) -> str:
    """A number with another digit in one place; never with a zero before it."""
    places = [at for at, letter in enumerate(text) if letter.isdigit()]
    at = chance.choice(places)
    digits = [each for each in "123456789" if each != text[at]]
    return text[:at] + chance.choice(digits) + text[at + 1 :]


# -- the same, said otherwise -----------------------------------------------------------------------------------------


def said_otherwise(seed: Seed, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """The seed's body in other spellings that say the same."""
    if seed.is_json:
        yield from _json_otherwise(seed)
    elif seed.body.lstrip()[:1] == b"<":
        yield from _markup_otherwise(seed)
    elif seed.name != "epoch_models":
        rows = list(csv.reader(io.StringIO(seed.body.decode())))
        yield "every cell in quotes", _as_csv(rows, quoting=csv.QUOTE_ALL)
        yield "other line ends", _as_csv(rows, lineterminator="\r\n")
        yield "the columns the other way round", _as_csv([row[::-1] for row in rows])
        yield "the lines the other way round", _as_csv([rows[0], *rows[:0:-1]])


def _as_csv(rows: list[list[str]], **how: Any) -> bytes:
    written = io.StringIO()
    csv.writer(written, **{"lineterminator": "\n"} | how).writerows(rows)
    return written.getvalue().encode()


def _json_otherwise(seed: Seed) -> Iterator[tuple[str, bytes]]:
    tree = json.loads(seed.body)
    yield "with blanks", json.dumps(tree, indent=3, separators=(" , ", " : ")).encode()
    yield "without blanks", json.dumps(tree, separators=(",", ":")).encode()
    yield "letters by their numbers", json.dumps(tree, ensure_ascii=True).encode()
    yield "letters as they are", json.dumps(tree, ensure_ascii=False).encode()
    if seed.name != "aws":  # its products come first; the list is read as a stream
        yield "members the other way round", json.dumps(_turned(tree)).encode()
    text = json.dumps(tree)
    yield "numbers with an exponent", re.sub(r"(?<=[ \[])(\d+)\.(\d+)(?=[,}\]])", _with_exponent, text).encode()
    yield "numbers with a zero more", re.sub(r"(?<=[ \[])(\d+\.\d+)(?=[,}\]])", r"\g<1>0", text).encode()


def _with_exponent(found: re.Match[str]) -> str:
    return f"{int(found[1] + found[2])}e-{len(found[2])}"


def _turned(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _turned(tree[key]) for key in reversed(tree)}
    return [_turned(each) for each in tree] if isinstance(tree, list) else tree


def _markup_otherwise(seed: Seed) -> Iterator[tuple[str, bytes]]:
    page = etree.fromstring(seed.body)
    for element in page.iter("*"):
        given = list(element.attrib.items())[::-1]
        element.attrib.clear()
        element.attrib.update(given)
    yield "attributes the other way round", etree.tostring(page)
    text = seed.body.decode()
    yield "comments between", text.replace("<xbrli:context", "<!-- a --><xbrli:context").encode()
    yield "blanks around figures", re.sub(r">([\d.,]+)</ix:non", r"> \1 </ix:non", text).encode()
