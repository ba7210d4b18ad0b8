"""Compares two warehouses value by value: the proof that a change of structure changed no result.

    python tools/compare_warehouses.py OLD.duckdb NEW.duckdb
    python tools/compare_warehouses.py OLD_FOLDER NEW_FOLDER      two folders that comparison_runs.py wrote
    python tools/compare_warehouses.py ... --ignore-words         wordings may differ; they are counted

Every table of every schema and every view is read whole. A value is the same if it is equal, floats to the last bit; NaN
is the same as NaN. Rows of `marts` must come in the same order, since readers see them in it; elsewhere the database
promises no order. What may differ is declared below with its reason (`INTENDED`); anything else is a difference, is
named by table, key and column, and makes the exit code 1.

Of two folders, the exit codes and the printed outputs are compared too. JSON and CSV outputs are tables like any other,
named `output.NAME`; all other text is words. Nothing is imported from the program, so any two states of it can be compared.

The file is long because what may differ is declared in it, beside the code that reads the declarations.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import duckdb

# -- what may differ ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Intended:
    """A difference that is meant. Tables and columns are patterns (`*` for any).

    Names are the new ones, but those of `renamed`, `value` and what was removed are the old ones.

    - `differs`: the values of the column are not compared; column `*` stands for the whole table
    - `added`, `removed`: the table or the column is on one side only
    - `renamed`: the table (without `column`) or the column is called `new` now
    - `value`: where the column held `old`, it holds `new` now
    - `listed`: the column held names with blanks or commas between them, and holds a list of them now
    """

    what: Literal["differs", "added", "removed", "renamed", "value", "listed"]
    table: str
    why: str
    column: str = ""
    old: Any = None
    new: Any = None


RUN = "each run has its own"
INTENDED: tuple[Intended, ...] = (
    # What differs between any two runs of one program.
    Intended("differs", "*", f"time of loading: {RUN}", "loaded_at"),
    Intended("differs", "provenance.documents", f"time of fetching: {RUN}", "fetched_at"),
    Intended("differs", "provenance.runs", f"time: {RUN}", "started_at"),
    Intended("differs", "provenance.runs", f"time: {RUN}", "finished_at"),
    Intended("differs", "provenance.runs", "hash of the program and versions of libraries", "versions"),
    Intended("differs", "provenance.source_runs", f"time: {RUN}", "checked_at"),
    Intended("differs", "provenance.source_runs", f"time: {RUN}", "last_success_at"),
    *(
        Intended(what, f"provenance.{table}", f"what a run took, by the clock: {RUN}", "*" if what == "differs" else "")
        for table in ("run_metrics", "step_metrics", "promises")
        for what in ("differs", "added")
    ),
    Intended("differs", "main.promises_kept", f"ages by the clock: {RUN}", "*"),
    Intended("added", "main.promises_kept", "promises of freshness have a history"),
    Intended("differs", "quality.results", f"time: {RUN}", "checked_at"),
    Intended("differs", "output.*", f"time: {RUN}", "fetched_at"),
    Intended("differs", "output.*", f"time: {RUN}", "checked_at"),
    Intended("differs", "output.*", f"time: {RUN}", "last_success_at"),
    # What issue 10 changes.
    Intended("added", "core.*", "an identity of each fact, stable over rebuilds", "fact_id"),
    Intended("added", "main.*", "an identity of each fact, stable over rebuilds", "fact_id"),
    Intended("added", "output.*", "an identity of each fact, stable over rebuilds", "fact_id"),
    Intended("added", "marts.*", "the identities of the facts behind a row", "fact_ids"),
    Intended("added", "output.*", "the identities of the facts behind a row", "fact_ids"),
    Intended("added", "marts.*", "reasons are data: codes with their fields", "reasons"),
    Intended("added", "output.*", "reasons are data: codes with their fields", "reasons"),
    Intended("removed", "marts.capex_quarterly", "lineage goes by fact_id, not by text", "capex_inputs"),
    Intended("removed", "marts.capex_quarterly", "lineage goes by fact_id, not by text", "inputs"),
    Intended("added", "marts.capex_quarterly", "lineage goes by fact_id, not by text", "capex_fact_ids"),
    Intended("added", "output.*", "lineage goes by fact_id, not by text", "capex_fact_ids"),
    Intended("added", "marts.claim_check", "reasons are data: codes with their fields", "reasons_then"),
    Intended("added", "marts.claim_check", "lineage goes by keys, not by text", "mart_rows"),
    Intended("added", "marts.event_market_value", "explanations are data, as reasons are", "explanations"),
    Intended("added", "marts.event_placebo", "explanations are data, as reasons are", "not_valid_reasons"),
    Intended("added", "marts.training_cost", "findings are data, as reasons are", "findings"),
    Intended("added", "marts.glut_signals", "what was found is data, as reasons are", "found"),
    Intended("added", "marts.published_estimates", "what the input is, as data", "our_input_is"),
    Intended("added", "marts.waste_variants", "the view that a condition is of, as data", "revenue_view"),
    *(
        Intended("added", "marts.verdict_conditions", "what a condition is about, as data", column)
        for column in (
            "kind",
            "ticker",
            "year",
            "calendar_quarter",
            "window_start",
            "window_end",
            "entities",
            "details",
        )
    ),
    *(
        Intended("listed", table, "names are a list and no text that has to be split", column)
        for table, column in (
            ("marts.*", "firms"),
            ("marts.*", "benchmark_firms"),
            ("marts.training_comparison", "run_ids"),
            ("marts.training_share", "fleet_facts"),
            ("marts.capex_group", "stand_ins"),
            ("marts.waste_sensitivity", "facts"),
        )
    ),
    Intended("added", "core.*", "a column says whether a row came from the snapshot or live", "source_kind"),
    Intended("added", "main.*", "a column says whether a row came from the snapshot or live", "source_kind"),
    Intended("added", "output.*", "a column says whether a row came from the snapshot or live", "source_kind"),
    Intended("added", "provenance.documents", "a column says whether a document is packaged or live", "source_kind"),
    Intended("added", "provenance.documents", "what a source knew of a document, no longer in its address", "context"),
    Intended("differs", "provenance.documents", "an address without what the source knew beside it", "url"),
    Intended("renamed", "main.put_aside", "the field's word", new="main.quarantined"),
    Intended("added", "quality.quarantine", "reasons are data: codes with their fields", "reason_code"),
    Intended("added", "quality.quarantine", "reasons are data: codes with their fields", "reasons"),
    Intended("added", "quality.quarantine", "the document by its name", "document_name"),
    Intended("added", "main.quarantined", "reasons are data: codes with their fields", "reason_code"),
    Intended("renamed", "quality.decisions", "the field's word", "put_aside_for", new="quarantined_for"),
    Intended("added", "quality.decisions", "reasons are data: codes with their fields", "reason_code"),
    Intended("differs", "quality.measures", "the columns that it counts are others", "*"),
    Intended("differs", "quality.results", "a new row is checked once, so other rows stand here", "*"),
)

WORDS = (
    "statement", "reason", "reason_then", "decision_reason", "meaning", "details", "message", "messages", "method",
    "found_text", "explanation", "assumes", "valid_when", "not_valid_because", "remaining_difference", "protects",
    "gives", "terms", "needs", "state", "what", "why", "headline", "would_change", "learn_from",
)  # fmt: skip
"""Columns that hold sentences; those of `core` are facts (a claim's statement) and never count as words."""

KEYS: dict[str, tuple[str, ...]] = {
    "marts.event_cross_section": ("event_date", "window_start", "window_end", "specification", "variable"),
    "marts.event_market_value": ("event_date", "ticker", "figure", "figure_id"),
    "marts.event_persistence": ("event_date", "ticker", "basis", "day"),
    "marts.event_study": (
        "event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end",
    ),
    "marts.event_study_tests": (
        "event_date", "grouping", "benchmark", "model", "return_kind", "window_start", "window_end", "test",
    ),
    "quality.results": ("run_id", "table_name", "expectation", "column_name"),
}  # fmt: skip
"""What names a row, by the new name of a table, where its first columns do not: those name a row of every other one."""
FACT = ("known_on", "source", "document_sha256", "locator")
"""Several facts may speak of one thing: these columns tell them apart."""

ORDERED = ("marts", "output")
"""Schemas whose rows readers see in their order."""

MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{4}\b"), "RUN_ID"),
    (re.compile(r"(?:127\.0\.0\.1|localhost):\d+"), "LOCAL_SERVER"),
    (re.compile(r"\b(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?"), r"\1 AT_A_TIME"),
    (re.compile(r"/[^\s\"')]*?/homes/"), "/HOMES/"),
)
"""Details of a run inside text. They are masked outside `core` and `marts`, where no text may depend on the run."""
RUN_ID = MASKS[0][0]

# -- tables on either side ------------------------------------------------------------------------------------------


@dataclass
class Table:
    """A table or view, or an output that is one: its rows as tuples of comparable values."""

    name: str
    types: dict[str, str]
    rows: list[tuple[Any, ...]]

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]

    @property
    def columns(self) -> list[str]:
        return list(self.types)

    def only(self, columns: list[str]) -> list[tuple[Any, ...]]:
        at = [self.columns.index(name) for name in columns]
        return [tuple(row[number] for number in at) for row in self.rows]


def comparable(value: Any) -> Any:
    """A value that is equal to another one exactly where the two are the same."""
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat(" ")
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, default=str)
    return value


def masked(value: Any, runs: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    value = RUN_ID.sub(lambda found: runs.get(found[0], found[0]), value)
    for pattern, instead in MASKS:
        value = pattern.sub(instead, value)
    return value


def unpacked_json(value: Any, is_json: bool) -> Any:
    """JSON text as what it holds, so that the order of its keys does not count."""
    if not is_json or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def warehouse(path: Path) -> dict[str, Table]:
    """Every table and view of a warehouse, by schema and name."""
    found: dict[str, Table] = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2"
        ).fetchall()
        runs = {}
        if ("provenance", "runs") in names:
            listed = connection.execute("SELECT run_id FROM provenance.runs ORDER BY started_at").fetchall()
            runs = {run_id: f"run {number}" for number, (run_id,) in enumerate(listed, 1)}
        for schema, name in names:
            types = dict(
                connection.execute(
                    "SELECT column_name, data_type FROM information_schema.columns "
                    "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
                    [schema, name],
                ).fetchall()
            )
            rows = connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
            hides = schema not in ("core", "marts")
            json_columns = [kind == "JSON" for kind in types.values()]
            found[f"{schema}.{name}"] = Table(
                f"{schema}.{name}",
                types,
                [
                    tuple(
                        comparable(unpacked_json(masked(value, runs) if hides else value, is_json))
                        for value, is_json in zip(row, json_columns, strict=True)
                    )
                    for row in rows
                ],
            )
    return found


def output(path: Path, name: str) -> Table | None:
    """What a command printed, as a table; None where it is text."""
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return Table(name, {}, [])
    try:
        if path.suffix == ".json":
            listed = json.loads(text)
        elif path.suffix == ".csv":
            listed = list(csv.DictReader(io.StringIO(text)))
        else:
            return None
    except ValueError:
        return None
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        return None
    columns = list(dict.fromkeys(column for row in listed for column in row))
    rows = [tuple(masked(comparable(row.get(column)), {}) for column in columns) for row in listed]
    return Table(name, dict.fromkeys(columns, "ANY"), rows)


# -- comparing ------------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What a comparison found. `undeclared` are differences that nobody declared, by table."""

    shown: int
    undeclared: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    declared: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    tables: int = 0
    rows: int = 0
    values: int = 0

    def first(self, table: str, what: str, lines: Iterable[str]) -> None:
        """Name a difference, with the first few of its lines."""
        lines = list(lines)
        more = [f"    ... and {len(lines) - self.shown} more"] if len(lines) > self.shown else []
        self.undeclared[table] += [what, *(f"    {line}" for line in lines[: self.shown]), *more]


def declared(what: str, table: str, column: str = "") -> Intended | None:
    for entry in INTENDED:
        if entry.what == what and fnmatchcase(table, entry.table) and fnmatchcase(column, entry.column or ""):
            return entry
    return None


def renamed(tables: dict[str, Table]) -> dict[str, Table]:
    """The old tables under their new names, with their new columns and values."""
    found = {}
    for name, table in tables.items():
        moved = declared("renamed", name)
        types = {
            (entry.new if (entry := declared("renamed", name, column)) else column): kind
            for column, kind in table.types.items()
        }
        rows = table.rows
        for entry in INTENDED:
            if entry.what == "value" and fnmatchcase(name, entry.table):
                at = [number for number, column in enumerate(table.columns) if fnmatchcase(column, entry.column)]
                rows = [
                    tuple(entry.new if n in at and v == entry.old else v for n, v in enumerate(row)) for row in rows
                ]
        found[moved.new if moved else name] = Table(moved.new if moved else name, types, rows)
    return found


def compare(old: dict[str, Table], new: dict[str, Table], found: Found, ignore_words: bool) -> None:
    old = renamed(old)
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            one_side(found, "removed", name, f"only in the old one ({len(old[name].rows)} rows)")
        elif name not in old:
            one_side(found, "added", name, f"only in the new one ({len(new[name].rows)} rows)")
        elif entry := declared("differs", name, "*"):
            found.declared[f"{name}: not compared: {entry.why}"] += 1
        else:
            compare_table(old[name], new[name], found, ignore_words)


def one_side(found: Found, what: Literal["added", "removed"], table: str, said: str, column: str = "") -> None:
    if entry := declared(what, table, column):
        found.declared[f"{what}: {table}{f'.{column}' if column else ''}: {entry.why}"] += 1
    else:
        found.undeclared[table].append(said)


def compare_table(old: Table, new: Table, found: Found, ignore_words: bool) -> None:
    name = new.name
    for column in old.columns:
        if column not in new.types:
            one_side(found, "removed", name, f"column {column}: only in the old one", column)
        elif old.types[column] != new.types[column] and not declared("listed", name, column):
            found.undeclared[name].append(f"column {column}: type {old.types[column]}, now {new.types[column]}")
    for column in new.columns:
        if column not in old.types:
            one_side(found, "added", name, f"column {column}: only in the new one", column)
    common = [column for column in old.columns if column in new.types]
    if common != [column for column in new.columns if column in old.types]:
        found.notes.append(f"{name}: the columns come in another order")
    for column in [column for column in common if declared("listed", name, column)]:
        old, new = (as_list(table, column) for table in (old, new))
        found.declared[f"{name}.{column}: now a list"] += 1
    free = [column for column in common if declared("differs", name, column)]
    for column in free:
        if old.only([column]) != new.only([column]):
            entry = declared("differs", name, column)
            found.declared[f"{name}.{column}: {entry.why if entry else ''}"] += 1
    words = [column for column in common if ignore_words and column in WORDS and new.schema != "core"]
    words = [column for column in words if column not in free]
    strict = [column for column in common if column not in (*free, *words)]
    found.tables += 1
    found.rows += len(new.rows)
    found.values += len(new.rows) * len(strict)
    compare_rows(replace_columns(old, strict), replace_columns(new, strict), found)
    if words:
        count_words(old, new, words, strict, found)


def as_list(table: Table, column: str) -> Table:
    """The column as the names in it, whether they stand in a text or in a list."""
    at = table.columns.index(column)
    names = [(*row[:at], re.findall(r"[^\s,\"\[\]]+", str(row[at] or "")), *row[at + 1 :]) for row in table.rows]
    return replace(table, rows=[(*row[:at], tuple(row[at]), *row[at + 1 :]) for row in names])


def replace_columns(table: Table, columns: list[str]) -> Table:
    return replace(table, types={column: table.types[column] for column in columns}, rows=table.only(columns))


def compare_rows(old: Table, new: Table, found: Found) -> None:
    """Compare two tables of the same columns."""
    name, columns = new.name, new.columns
    if old.rows == new.rows:
        return
    gone, came = Counter(old.rows), Counter(new.rows)
    gone, came = gone - came, came - gone
    if not gone and not came and new.schema not in ORDERED:
        return
    key = key_of(old, new)
    if new.schema in ORDERED:
        compare_order(old, new, key, found)
    changed, only_old, only_new = paired(list(gone.elements()), list(came.elements()), [columns.index(k) for k in key])
    cells: dict[str, list[str]] = defaultdict(list)
    for before, after in changed:
        where = ", ".join(f"{k}={before[columns.index(k)]}" for k in key)
        for column, one, other in zip(columns, before, after, strict=True):
            if one != other:
                cells[column].append(f"{where}: {one!r}, now {other!r}")
    total = f"of {len(old.rows)} rows, now {len(new.rows)}"
    for column, lines in cells.items():
        found.first(name, f"column {column}: {len(lines)} values differ ({total})", lines)
    for what, rows in (("old", only_old), ("new", only_new)):
        if rows:
            lines = [", ".join(f"{k}={row[columns.index(k)]}" for k in key) for row in rows]
            found.first(name, f"{len(rows)} rows are only in the {what} one ({total})", lines)


def compare_order(old: Table, new: Table, key: list[str], found: Found) -> None:
    """Whether the rows that both have come in the same order."""
    before, after = old.only(key), new.only(key)
    common = Counter(before) & Counter(after)
    orders = [[row for row in rows if row in common] for rows in (before, after)]
    if orders[0] != orders[1]:
        at = next((number for number, pair in enumerate(zip(*orders, strict=False)) if pair[0] != pair[1]), 0)
        lines = [
            f"first where the old one has {', '.join(f'{k}={v}' for k, v in zip(key, orders[0][at], strict=True))}"
        ]
        found.first(new.name, "rows come in another order", lines)


def key_of(old: Table, new: Table) -> list[str]:
    """Columns that name a row: the declared ones, else as many of the first as it takes, with what tells facts apart."""
    columns = new.columns
    given = KEYS.get(new.name)
    if given and set(given) <= set(columns):
        return list(given)
    facts = FACT if set(FACT) <= set(columns) else ()
    for length in range(1, len(columns) + 1):
        key = [*columns[:length], *(column for column in facts if column in columns[length:])]
        if all(len(set(table.only(key))) == len(table.rows) for table in (old, new)):
            return key
    return columns


Row = tuple[Any, ...]


def paired(gone: list[Row], came: list[Row], at: list[int]) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Rows of the same key side by side, and those that have none beside them."""
    waiting: dict[Row, list[Row]] = defaultdict(list)
    for row in came:
        waiting[tuple(row[number] for number in at)].append(row)
    changed, only_old = [], []
    for row in gone:
        others = waiting[tuple(row[number] for number in at)]
        if others:
            changed.append((row, others.pop(0)))
        else:
            only_old.append(row)
    return changed, only_old, [row for rows in waiting.values() for row in rows]


def count_words(old: Table, new: Table, words: list[str], strict: list[str], found: Found) -> None:
    """How many values of the columns of words differ in the rows that both have."""
    key = key_of(replace_columns(old, strict), replace_columns(new, strict))
    for column in words:
        sides = [Counter(table.only([*key, column])) for table in (old, new)]
        gone, came = sides[0] - sides[1], sides[1] - sides[0]
        both = {row[:-1] for row in gone} & {row[:-1] for row in came}
        if differing := sum(number for row, number in gone.items() if row[:-1] in both):
            found.words[f"{new.name}.{column}"] += differing


# -- folders of runs ------------------------------------------------------------------------------------------------


def compare_folders(old: Path, new: Path, found: Callable[[str], Found], ignore_words: bool) -> None:
    """Exit codes, published warehouses and outputs of two folders that comparison_runs.py wrote."""
    codes = found("exit codes")
    before, after = (
        {one["name"]: one for one in json.loads((folder / "runs.json").read_text())} for folder in (old, new)
    )
    for name in [*before, *(name for name in after if name not in before)]:
        pair = [one.get(name, {}).get("exit_code") for one in (before, after)]
        codes.values += 1
        if pair[0] != pair[1]:
            codes.undeclared[name].append(f"exit code {pair[0]}, now {pair[1]}")
    both = [name for name in before if name in after and "/" not in name]
    codes.notes += [f"{name}: {before[name]['seconds']} s, now {after[name]['seconds']} s" for name in both]
    for name, paths in pairs(old / "warehouses", new / "warehouses"):
        sides = [warehouse(path) if path else {} for path in paths]
        compare(sides[0], sides[1], found(f"warehouse of {name}"), ignore_words)
    outputs = found("outputs")
    for name, paths in pairs(old / "outputs", new / "outputs"):
        compare_outputs(name, *paths, outputs, ignore_words)


def pairs(old: Path, new: Path) -> Iterator[tuple[str, tuple[Path | None, Path | None]]]:
    """The files of two folders side by side, by their path within."""
    files = [{str(path.relative_to(folder)): path for path in folder.rglob("*.*")} for folder in (old, new)]
    for name in sorted(files[0].keys() | files[1].keys()):
        yield name, (files[0].get(name), files[1].get(name))


def compare_outputs(name: str, old: Path | None, new: Path | None, found: Found, ignore_words: bool) -> None:
    table = f"output.{name}"
    if old is None or new is None:
        one_side(
            found, "added" if old is None else "removed", table, f"only in the {'new' if old is None else 'old'} one"
        )
        return
    sides = [output(path, table) for path in (old, new)]
    if sides[0] is not None and sides[1] is not None:
        compare({table: sides[0]}, {table: sides[1]}, found, ignore_words)
        return
    lines = [[masked(line, {}) for line in path.read_text(encoding="utf-8").splitlines()] for path in (old, new)]
    if lines[0] == lines[1]:
        return
    gone, came = Counter(lines[0]), Counter(lines[1])
    differing = max((gone - came).total(), (came - gone).total())
    if ignore_words:
        found.words[table] += differing
    else:
        shown = [*(f"- {line}" for line in (gone - came)), *(f"+ {line}" for line in (came - gone))]
        found.first(table, f"{differing} lines of text differ", shown or ["the same lines in another order"])


# -- saying it ------------------------------------------------------------------------------------------------------


def say(title: str, found: Found) -> None:
    count = sum(not line.startswith(" ") for lines in found.undeclared.values() for line in lines)
    print(
        f"{title}: {found.tables} tables, {found.rows:,} rows, {found.values:,} values; {count} undeclared differences"
    )
    for table, lines in found.undeclared.items():
        print(f"  DIFFERENCE {table}")
        for line in lines:
            print(f"    {line[:400]}")
    for name, number in found.words.items():
        print(f"  words: {name}: {number} differ")
    for line in found.notes:
        print(f"  note: {line}")
    for line in found.declared:
        print(f"  as declared: {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--ignore-words", action="store_true", help="wordings may differ; say how many do")
    parser.add_argument("--show", type=int, default=5, help="how many of each kind of difference are named")
    given = parser.parse_args()
    everything: dict[str, Found] = {}

    def found(title: str) -> Found:
        return everything.setdefault(title, Found(given.show))

    if given.old.is_dir():
        compare_folders(given.old, given.new, found, given.ignore_words)
    else:
        compare(warehouse(given.old), warehouse(given.new), found("warehouse"), given.ignore_words)
    for title, one in everything.items():
        say(title, one)
    words = sum(one.words.total() for one in everything.values())
    bad = [title for title, one in everything.items() if one.undeclared]
    print(f"{'DIFFERENT: ' + ', '.join(bad) if bad else 'equal'}; {words} wordings differ where they may")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
