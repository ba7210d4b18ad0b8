"""What every source of GPU prices does with an offer: one price for one GPU and one hour, or a stated reason why not.

Lists differ in form and agree in their traps. So the rules stand here once:

- A price counts for one GPU and one hour in US dollars. A node's is divided by the GPUs that the table of names gives
  for it, whatever the list says. Azure's own list says 12 for a node of 8. Both counts are named in a notice.
- A row is quarantined with its reason where the chip, provider, currency or unit is unknown, or the price is not a
  number above zero. A notice says which names and how many rows. Nothing is guessed.
- What is understood and is not such a price is left out: Windows, a software licence, serverless, a zero that means
  "not offered". A notice counts it. The document stays in the archive, so nothing is lost.
- A part of a GPU is left out too. Divided by its fraction it would be a price at which nobody can rent a whole GPU. An
  offer counts at the lowest price of its sizes (method 3), so a slice would set the price of the chip.
- A spot price at or above the same offer's on-demand price is a fact about some lists: kept, with a note.

The identifier of an observation is a hash of all that the row says. Read twice it is the same row; at another price
on the same day it is another one.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import Any

import polars as pl

from warehouse.errors import DocumentError
from warehouse.sources.common import json_text
from warehouse.sources.common.gpu_names import ANYBODY, MOST_GPUS, Named, look_up
from warehouse.sources.common.parsing import finite
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason, reason
from warehouse.sources.common.source import Batch, Document
from warehouse.tables.gpu_prices import TABLE
from warehouse.tables.table import ADDED_BY_LOADING

BATCH_ROWS = 20_000
NAMES_SHOWN = 12
RAW_SHOWN = 4_000
VALUE_SHOWN = 80
HOURS_A_YEAR = 8_760
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass
class Offers:
    """The offers of one document as they are read. Call `add`, `quarantine` or `leave_out` for each, then take `batches`."""

    source: str
    document: Document
    grade: str
    terms_note: str = ""
    """Goes into the note of every row (a source that needs a licence marks its rows)."""
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _quarantined: list[tuple[str, list[str], str]] = field(default_factory=list)
    _unknown: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _left_out: dict[Reason, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _counts: Counter[tuple[str, float, int]] = field(default_factory=Counter)
    _said: dict[Reason, None] = field(default_factory=dict)
    _misshapen: str = ""

    @property
    def day(self) -> date:
        """The day on which the document was received (UTC): what stands in a list price was so on that day."""
        return self.document.fetched_at.astimezone(UTC).date()

    def chip(
        self,
        names: tuple[tuple[str, str], ...],
        raw: Mapping[str, Any],
        locator: str,
        *,
        memory_gb: float | None = None,
    ) -> Named | None:
        """The chip behind the first of `names` (provider, name) that is known; None where the row ends here.

        A row with an unknown name is quarantined. A name that is left out, or a slice of a chip, is only counted.
        """
        found = [named for provider, name in names if name and (named := look_up(name, provider))]
        if not found:
            # The most particular name is the one to add to the table.
            self.unknown("chip or instance", next((name for _, name in names if name), ""), raw, locator)
            return None
        named, called = found[0], next(name for _, name in names if name)
        if not named.gpu_model:
            self.leave_out(reason("left_out_by_name", note=named.note), called)
            return None
        memory = named if named.memory_gb else look_up(named.gpu_model, ANYBODY)
        if named.fraction is not None or (memory is not None and memory.is_slice(memory_gb)):
            self.leave_out(reason("part_of_a_gpu"), called)
            return None
        return _sized(named, names, memory_gb)

    def count(self, named: Named, listed: float | None, instance: str) -> int | None:
        """GPUs of an offer: the table's count, and a notice where the list says another; else the list's."""
        if named.gpu_count is None:
            given = listed is not None and 1 <= listed <= MOST_GPUS and listed == int(listed)
            return int(listed) if given and listed is not None else None
        if listed is not None and listed != named.gpu_count:
            self._counts[(instance, listed, named.gpu_count)] += 1
        return named.gpu_count

    def price(self, value: Any, what: str, raw: Mapping[str, Any], locator: str, *, text: bool = False) -> float | None:
        """A price above zero, or None with the row quarantined. `text` says that this list gives numbers as text."""
        if other := _other_currency(raw):
            self.quarantine(raw, reason("other_currency", column=what, found=[other]), locator)
            return None
        number = self.number(value, what, text=text)
        if number is None:
            self.quarantine(raw, reason("not_a_number", column=what, found=_shown(value)), locator)
        elif number <= 0:
            self.quarantine(raw, reason("not_above_zero", column=what, found=number), locator)
            number = None
        return number

    def number(self, value: Any, what: str, *, text: bool = False) -> float | None:
        """A finite number, also where it is written as text (then a notice says so, unless the list always does)."""
        if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
            if not text:
                self.notice("field_as_text", column=what)
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return finite(value)

    def add(
        self,
        *,
        provider: str,
        provider_class: str,
        instance: str,
        gpu_model: str,
        gpu_count: int | None,
        usd_per_gpu_hour: float,
        kind: str,
        region: str,
        locator: str,
        citation: str,
        note: str = "",
        observed_on: date | None = None,
    ) -> None:
        """An offer, its price already for one GPU and one hour."""
        self._rows.append(
            {
                "observed_on": observed_on or self.day,
                "provider": provider,
                "provider_class": provider_class,
                "instance": instance,
                "gpu_model": gpu_model,
                "gpu_count": gpu_count,
                "usd_per_gpu_hour": round(usd_per_gpu_hour, 6),
                "pricing_kind": kind,
                "region": region,
                "note": "; ".join(filter(None, (note, self.terms_note))),
                "citation": citation,
                "locator": locator,
            }
        )

    @contextmanager
    def row(self, raw: Any, locator: str) -> Iterator[None]:
        """Around the reading of one row: one with a list where a text belongs costs itself and not the document."""
        try:
            yield
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            self._misshapen = self._misshapen or f"{locator}: {error}"
            self.quarantine(raw, reason("other_form", error=str(error)), locator)

    def quarantine(self, raw: Any, why: Reason, locator: str) -> None:
        """Keep a row that cannot be read as an offer, with its reason."""
        row = json.dumps(raw, ensure_ascii=False, default=str)[:RAW_SHOWN]
        self._quarantined.append((row, [why.as_json()], locator))

    def unknown(self, what: str, name: str, raw: Mapping[str, Any], locator: str) -> None:
        """Quarantine a row with a name that no table holds; a notice gives the name."""
        self._unknown[what][name] += 1
        self.quarantine(raw, reason("unknown_name", what=what, found=_shown(name), list=_list_of(what)), locator)

    def leave_out(self, why: Reason, name: str) -> None:
        """A row that is understood and is no rental price of a GPU in this comparison."""
        self._left_out[why][name] += 1

    def notice(self, code: str, /, **fields: Any) -> None:
        """Something to know of this document that loses no row."""
        self._said[reason(code, document=self.document.name, **fields)] = None

    def batches(self) -> Iterator[Batch]:
        """The rows in bounded batches; the first carries the quarantined rows and the notices.

        Raises DocumentError where rows had another form and none was left that could be read.
        """
        if self._misshapen and not self._rows:
            raise DocumentError(
                self.document.name,
                f"no row of it could be read; first: {self._misshapen}. The list changed its form: "
                "the source's file in warehouse/sources must learn it. The document is kept.",
            )
        self._mark_spot()
        unique = {(row["observation_id"]): row for row in map(self._identified, self._rows)}
        rows = list(unique.values())
        notices = self._notices(len(self._rows) - len(rows))
        unreadable = pl.DataFrame(self._quarantined, schema=UNREADABLE_SCHEMA, orient="row")
        schema = {name: kind for name, kind in TABLE.polars_schema.items() if name not in ADDED_BY_LOADING}
        for start in range(0, max(len(rows), 1), BATCH_ROWS):
            frame = pl.DataFrame(rows[start : start + BATCH_ROWS], schema=schema, orient="row")
            yield Batch(TABLE, frame, unreadable, notices) if start == 0 else Batch(TABLE, frame)

    # -- the rules that need all rows -------------------------------------------------------------------------

    def _mark_spot(self) -> None:
        listed: dict[tuple[Any, ...], float] = {}
        for row in self._rows:
            if row["pricing_kind"] in ("on_demand", "marketplace"):
                key = _same_offer(row)
                listed[key] = min(row["usd_per_gpu_hour"], listed.get(key, math.inf))
        marked = 0
        for row in self._rows:
            if row["pricing_kind"] == "spot" and row["usd_per_gpu_hour"] >= listed.get(_same_offer(row), math.inf):
                row["note"] = "; ".join(filter(None, (row["note"], "spot is not below on demand in this list")))
                marked += 1
        if marked:
            self.notice("spot_not_below_on_demand", rows=marked)

    def _identified(self, row: dict[str, Any]) -> dict[str, Any]:
        said = [str(row[name]) for name in sorted(row) if name != "locator"]
        digest = hashlib.sha256("\x1f".join((self.source, self.grade, *said)).encode()).hexdigest()
        return {
            **row,
            "note": row["note"] or None,
            "observation_id": f"{self.source}-{digest[:20]}",
            "known_on": row["observed_on"],
            "grade": self.grade,
        }

    def _notices(self, repeated: int) -> tuple[Reason, ...]:
        for what, names in self._unknown.items():
            self.notice("unknown_names", what=what, list=_list_of(what), **_most_common(names))
        for (instance, listed, known), rows in self._counts.items():
            self.notice("gpu_count_differs", instance=instance, listed=listed, known=known, rows=rows)
        for why, names in self._left_out.items():
            self.notice("rows_left_out", why=why.code, of_why=why.fields, **_most_common(names))
        if repeated:
            self.notice("repeated_rows", rows=repeated)
        return tuple(self._said)


def _other_currency(raw: Mapping[str, Any]) -> str:
    """The currency that a row names, where it is not the dollar: a list of dollars may gain the field one day."""
    named = {re.sub(r"[^a-z]", "", name.lower()): value for name, value in raw.items() if isinstance(value, str)}
    said = next((named[name].strip() for name in ("currency", "currencycode") if name in named), "")
    return "" if said.upper() in ("", "USD", "US$", "$") else said


def _sized(named: Named, names: tuple[tuple[str, str], ...], memory_gb: float | None) -> Named:
    """The chip of this memory, where the name leaves it to the list (Vast.ai's "A100 SXM4" has 40 or 80 GB)."""
    if named.memory_gb is not None or not memory_gb:
        return named
    found = (look_up(f"{name} {round(memory_gb)}GB", ANYBODY) for _, name in names if name)
    sized = next((chip for chip in found if chip is not None and chip.gpu_model), None)
    return named if sized is None else replace(sized, gpu_count=named.gpu_count)


def json_of(document: Document) -> dict[str, Any]:
    """The JSON object of a small document. Raises DocumentError where it is cut short, or is something else."""
    found = json_text.read(document.body, document.name)
    if not isinstance(found, dict):
        kind = "a list" if isinstance(found, list) else f"a {type(found).__name__}"
        raise DocumentError(
            document.name, f"the JSON is {kind} where an object belongs; the source changed or refused."
        )
    return found


def items_of(found: Mapping[str, Any], key: str, document: Document) -> list[dict[str, Any]]:
    """The list of objects under `key`. Raises DocumentError where it is missing, saying what is there instead."""
    items = found.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        said = ", ".join(list(found)[:NAMES_SHOWN]) or "nothing"
        error = f"; it says: {json.dumps(found['error'], default=str)[:200]}" if "error" in found else ""
        raise DocumentError(
            document.name,
            f"there is no list of objects under {key!r} (the document holds {said}){error}. "
            "The source changed its form or refused.",
        )
    return items


def check_fields(items: list[dict[str, Any]], required: tuple[str, ...], known: frozenset[str], offers: Offers) -> None:
    """Raises DocumentError for a required field that no item has; a notice names fields that are new."""
    if not items:
        return
    held = set().union(*items)
    if missing := [name for name in required if name not in held]:
        raise DocumentError(
            offers.document.name,
            f"the field {', '.join(missing)} is gone from every row; the list changed, "
            "and reading on would guess. The document is kept; the source's file in warehouse/sources must learn it.",
        )
    if new := sorted(held - known):
        offers.notice("new_fields", columns=new[:NAMES_SHOWN])


def read_each(
    offers: Offers,
    items: Iterable[dict[str, Any]],
    required: tuple[str, ...],
    place: Callable[[int, dict[str, Any]], str],
    read: Callable[[dict[str, Any], str, Offers], None],
) -> Iterator[Batch]:
    """The batches of a list: `read` reads each item that has the required fields; `place` says where it stands."""
    for number, item in enumerate(items, 1):
        locator = place(number, item)
        with offers.row(item, locator):
            if gone := _lacking(item, required):
                offers.quarantine(item, gone, locator)
            else:
                read(item, locator, offers)
    yield from offers.batches()


def _lacking(raw: Mapping[str, Any], required: tuple[str, ...]) -> Reason | None:
    """Which of the required fields a row lacks, as a reason; none where it has them all."""
    gone = [name for name in required if raw.get(name) in (None, "")]
    return reason("missing_field", columns=gone) if gone else None


def _same_offer(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("provider", "provider_class", "instance", "gpu_model", "gpu_count", "region"))


def _list_of(what: str) -> str:
    """The list of this project that a name has to be added to."""
    return "gpu_providers.csv" if what == "provider" else "gpu_names.csv"


def _most_common(names: Counter[str]) -> dict[str, Any]:
    """How many rows there are, and the names that most of them have, as fields of a notice."""
    shown = [list(each) for each in names.most_common(NAMES_SHOWN)]
    return {"rows": sum(names.values()), "names": shown, "more_names": len(names) - len(shown)}


def _shown(value: Any) -> str | None:
    """The value that stands in a field, as text of a bounded length; null where there is none."""
    if value is None:
        return None
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))[:VALUE_SHOWN]
