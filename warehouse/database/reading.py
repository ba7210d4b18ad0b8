"""The one gate for SQL that comes as text: what people and programs ask may read, and do nothing else.

Users' own SQL runs on the published answer. A file that was opened read-only is no protection. DuckDB still lets COPY
write beside the database that is open, and what lies there as its log is replayed for every later reader. So a text is
parsed first, and only a read passes. DuckDB's own parser judges that, never the look of the text. What passes is executed
exactly as it was judged. A PIVOT without values gets them first (`pivoting`). One text stands for another: `show tables`
lists names in the order to look at them. By the alphabet, the views for the usual questions would be hidden among all
others.

Two things are asked of each statement. Its kind must be a read: SELECT in all its forms, SHOW, DESCRIBE, SUMMARIZE, and
EXPLAIN of such a one in any format. A PRAGMA passes where DuckDB itself turns it into a SELECT. Then each table function
must be one that computes or describes. Others read files, take addresses of memory, or switch logs on. Every text passes
here, whether it is a query, a file, a ready question, a condition of `trace` or a request of an assistant. A test holds
that.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse import sqltext
from warehouse.database.connection import METADATA_OF, Connection, DatabaseError
from warehouse.errors import OverbuildError, UsageError

if TYPE_CHECKING:  # few queries pivot
    from warehouse.database.pivoting import Pivot

LONGEST = 1_000_000
"""Characters of a text that is parsed. The longest query that a person writes has a few thousand."""

TABLE_FUNCTIONS = frozenset(
    """
    generate_series histogram histogram_values icu_calendar_names json_each json_tree pg_timezone_names
    pragma_collations pragma_database_size pragma_metadata_info pragma_platform pragma_show pragma_storage_info
    pragma_table_info pragma_user_agent pragma_version range repeat repeat_row summary unnest duckdb_columns
    duckdb_constraints duckdb_databases duckdb_dependencies duckdb_extensions duckdb_functions duckdb_indexes
    duckdb_keywords duckdb_memory duckdb_optimizers duckdb_schemas duckdb_sequences duckdb_settings duckdb_tables
    duckdb_types duckdb_views ducklake_snapshots ducklake_table_info
    """.split()  # noqa: SIM905
)
"""Table functions that compute or describe. Those that read files, take a pointer, run a text or change a state are out."""

FUNCTIONS_REFUSED = frozenset(("sleep_ms", "write_log", "getenv", "nextval", "currval"))
"""Functions of values that do something beside giving a value."""

AS_OF = "_as_of"
"""How the names of the warehouse's own functions end, which give what was current on a day (`current_rows.as_of_query`)."""

_READS_FILES = re.compile(r"read_\w+|parquet_\w+|glob|sniff_csv|pragma_\w*file\w*|query_parquet|iceberg_\w+|delta_\w+")

WORDS = {
    "COPY": "COPY reads or writes a file. To write an answer to a file: overbuild sql QUERY -o FILE.",
    "COPY_DATABASE": "COPY FROM DATABASE writes a database. Every table as files: overbuild export FOLDER.",
    "EXPORT": "EXPORT DATABASE writes files. Every table as files: overbuild export FOLDER.",
    "IMPORT": "IMPORT DATABASE runs the statements of a file. To run a query of a file: overbuild sql --file FILE.",
    "ATTACH": "ATTACH opens another database. To join one of yours, open the warehouse with DuckDB itself (-readonly).",
    "DETACH": "DETACH closes a database, and a query here needs the one that is open.",
    "INSTALL": "INSTALL fetches an extension. A query here loads no extension. Open the warehouse with DuckDB itself "
    "(-readonly) if you need one.",
    "LOAD": "A query here loads no extension. Open the warehouse with DuckDB itself (-readonly) if you need one.",
    "UPDATE EXTENSIONS": "A query here loads no extension, and updates none.",
    "USE": "USE changes where names are looked for. Write the schema before the name, as in marts.verdict.",
    "RESET": "RESET changes a setting. A query here changes no setting of the database.",
    "SET": "SET changes a setting. A query here changes no setting of the database. Time and memory have options: "
    "--timeout and --memory.",
    "VARIABLE_SET": "SET changes a variable. Values are given to a query by --param NAME=VALUE and read there as $NAME.",
    "CALL": "CALL runs a procedure, which may change a state. Table functions that only describe stand in FROM, as in "
    "from duckdb_tables().",
    "CHECKPOINT": "CHECKPOINT writes the database to its file, and the published warehouse is read-only.",
    "PRAGMA": "This PRAGMA changes a state. Those that only describe are allowed, as in PRAGMA table_info('verdict').",
    "VACUUM": "VACUUM and ANALYZE rewrite statistics, and the published warehouse is read-only.",
    "TRANSACTION": "A query here needs no transaction: the published warehouse does not change while it is open.",
    "PREPARE": "PREPARE keeps a statement. Values are given to a query by --param NAME=VALUE and read there as $NAME.",
    "EXECUTE": "EXECUTE runs a kept statement, and none is kept here.",
    "PIVOT": "PIVOT finds its values by itself only as a statement of its own. Within parentheses, EXPLAIN or DESCRIBE, "
    "name them: PIVOT t ON year IN (2024, 2025) USING sum(x).",
    "CHANGE": "The published warehouse is read-only. Copy the file if you want to change it.",
    "OTHER": "Only statements that read are run here: SELECT, FROM, WITH, VALUES, SHOW, DESCRIBE, SUMMARIZE, EXPLAIN.",
}
"""What is said of each kind of statement that is refused."""

_CHANGES = ("CREATE", "INSERT", "UPDATE", "DELETE", "DROP", "ALTER", "MERGE_INTO")
_FIRST_WORDS = {
    word: word
    for word in ("INSTALL", "USE", "RESET", "CHECKPOINT", "IMPORT", "DETACH", "PREPARE", "EXECUTE", "VARIABLE_SET")
} | {"DEALLOCATE": "EXECUTE"}
_TOGETHER = {("UPDATE", "EXTENSIONS"): "UPDATE EXTENSIONS", ("SET", "VARIABLE"): "VARIABLE_SET"}

HINTS = {
    "attached in read-only mode": WORDS["CHANGE"],
    "file system operations are disabled": "A query here reads the published warehouse and no file, folder or host. "
    "To join a file of yours, open the warehouse with DuckDB itself (-readonly).",
    "external extensions is disabled": WORDS["LOAD"],
    "configuration has been locked": WORDS["SET"],
}
"""What DuckDB says of something that is not allowed here, and what its user may want to know then."""


class RefusedStatement(UsageError):
    """A statement that is no read; `code` says of which kind it is (a key of WORDS, or `function`)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotSQL(UsageError):
    """DuckDB cannot read or run a text; `said` is what it says, with the place."""

    def __init__(self, said: str, hint: str = "") -> None:
        super().__init__(f"SQL: {said}{hint}")
        self.said = said


@dataclass(frozen=True)
class Read:
    """One statement that passed: its text without the semicolon, whether it can stand in FROM, its parameters' names.

    `pivot` is there for a PIVOT whose values are asked for when it is run.
    """

    text: str
    is_query: bool
    parameters: frozenset[str]
    pivot: Pivot | None = None

    def within(self, before: str, after: str = "") -> str:
        """SQL around a query, which stands in parentheses on lines of its own, so that a comment at its end ends."""
        return f"{before} (\n{self.text}\n) {after}"


def reads(connection: Connection, text: str) -> list[Read]:
    """The statements of a text. Raises RefusedStatement for one that is no read, UsageError for what is no SQL."""
    text = _required(text)
    word = _first_word(text)
    if word in ("IMPORT", "UPDATE EXTENSIONS"):  # their parsing alone reads a file, or fails within DuckDB
        raise _refused(word)
    try:
        found = connection.extract_statements(text)
    except DatabaseError as error:
        raise failure(error) from None
    if not all(statement.query.strip() for statement in found):  # DuckDB made them itself
        from warehouse.database import pivoting

        return [read for part in pivoting.statements(text) for read in _made(connection, part)]
    return [_read(connection, statement) for statement in found]


def _required(text: str) -> str:
    """A text that a parser takes, in Unicode. Raises UsageError for too much of it, for zero bytes, and for other alphabets."""
    text = _in_unicode(text)
    if len(text) > LONGEST:
        raise UsageError(f"SQL: this text has {len(text):,} characters; a query here has at most {LONGEST:,}.")
    if "\x00" in text:
        raise UsageError("SQL: this text holds a zero byte, so it is no SQL.")
    return text


def _in_unicode(text: str) -> str:
    """A text as its bytes say in UTF-8, whatever the terminal's own letters are. Raises UsageError where they are others."""
    try:
        given = os.fsencode(text).decode() if any("\udc80" <= each <= "\udcff" for each in text) else text
        given.encode()  # half of a pair of UTF-16 is no text either
        return given
    except UnicodeError:
        raise UsageError("SQL: this text is not in UTF-8, so it cannot be read; write it to a file in UTF-8.") from None


def one(connection: Connection, text: str) -> Read:
    """The only statement of a text. Raises as `reads` does, and UsageError where there is none or more than one."""
    found = reads(connection, text)
    if len(found) != 1:
        raise UsageError(f"SQL: this text holds {len(found)} statements, and one is needed here.")
    return found[0]


def execute(connection: Connection, read: Read, parameters: object = None) -> Connection:
    """Run a statement that passed; its rows are fetched from what is returned. Raises UsageError, worded for its user."""
    if read.parameters and parameters is None:
        missing = " ".join(f"--param {name}=..." for name in sorted(read.parameters))
        raise UsageError(f"SQL: this query reads {', '.join(f'${n}' for n in sorted(read.parameters))}; give {missing}")
    return _run(connection, whole(connection, read).text, parameters)


def count(connection: Connection, read: Read) -> int:
    """How many rows a query has, without fetching them."""
    row = _run(connection, whole(connection, read).within("SELECT count(*) FROM")).fetchone()
    return int(row[0]) if row else 0


def types(connection: Connection, read: Read) -> list[tuple[str, str]]:
    """Names and types of the columns of a query."""
    found = _run(connection, whole(connection, read).within("FROM", "LIMIT 0"))
    return [(name, str(kind)) for name, kind, *_ in found.description]


def copy(connection: Connection, read: Read, columns: Sequence[str], pipe: Path, options: str) -> None:
    """Write a query's rows to the connection's pipe, by DuckDB alone. `columns` are expressions on c0, c1 and so on."""
    names = ", ".join(f"c{place}" for place in range(len(columns)))
    query = whole(connection, read).within(f"SELECT {', '.join(columns)} FROM", f"AS answer({names})")
    _run(connection, f"COPY ({query}) TO {sqltext.literal(pipe)} ({options}, USE_TMP_FILE false)")


def with_values(text: str, values: Mapping[str, str]) -> str:
    """A text with its parameters ($NAME) replaced by the given values, as literals. Raises UsageError for one that is unknown."""
    text, values = _required(text), {name: _required(value) for name, value in values.items()}
    raw, parts, done, used = text.encode(), [], 0, set()
    places = [place for place, _ in duckdb.tokenize(text)]
    for place, following in pairwise(places):
        if raw[place : place + 1] != b"$" or following != place + 1:
            continue
        name = re.match(rb"\w+", raw[following:])
        if name and name[0].decode() in values:
            used.add(name[0].decode())
            parts += [raw[done:place].decode(), sqltext.literal(values[name[0].decode()])]
            done = following + name.end()
    if unknown := sorted(values.keys() - used):
        raise UsageError(f"--param {unknown[0]}={values[unknown[0]]}: the query does not read ${unknown[0]}.")
    return "".join([*parts, raw[done:].decode()])


def _run(connection: Connection, sql: str, parameters: object = None) -> Connection:
    try:
        return connection.execute(sql, parameters)
    except DatabaseError as error:
        raise failure(error) from None


def failure(error: DatabaseError) -> OverbuildError:
    """What DuckDB says of a query, with a hint where something is not allowed here; of a file that it cannot read, that."""
    from warehouse import storage

    if "Out of Memory" not in str(error) and (found := storage.fault(error)) is not None:
        return found
    message = str(error).strip()
    return NotSQL(message, next((f"\n{hint}" for said, hint in HINTS.items() if said in message), ""))


# -- PIVOT without its values -----------------------------------------------------------------------------------------


def _made(connection: Connection, text: str) -> list[Read]:
    """The statements of a text of one statement, of which DuckDB may make several."""
    found = connection.extract_statements(text)
    if all(statement.query.strip() for statement in found):
        return [_read(connection, statement) for statement in found]
    if not {_kind(statement) for statement in found} <= {"CREATE", "SELECT"}:
        raise _refused("PIVOT" if "CREATE" in map(_kind, found) else "COPY_DATABASE")
    from warehouse.database import pivoting

    pivot = pivoting.pivot_of(text)
    if pivot is None:
        raise _refused("PIVOT")
    for header in pivot.headers:
        _judged(connection, pivot.values_of(header))
    read = _judged(connection, pivot.filled([["a value"]] * len(pivot.headers)))
    return [Read(text, True, read.parameters, pivot)]


def _judged(connection: Connection, text: str) -> Read:
    """The one statement of a text that was put together here; a PIVOT of another form than expected is refused."""
    try:
        found = connection.extract_statements(text)
    except DatabaseError:
        raise _refused("PIVOT") from None
    if len(found) != 1 or not found[0].query.strip():
        raise _refused("PIVOT")
    return _read(connection, found[0])


def whole(connection: Connection, read: Read) -> Read:
    """A statement as it is run: a PIVOT gets its values, in a text that is judged anew."""
    if read.pivot is None:
        return read
    from warehouse.database import pivoting

    values = []
    for header in read.pivot.headers:
        found = _run(connection, _judged(connection, read.pivot.values_of(header)).text).fetchall()
        named = header.expression.strip()
        if not found:
            raise UsageError(f"SQL: PIVOT makes a column of each value of {named}, and no row has one.")
        if len(found) > pivoting.MOST:
            raise UsageError(
                f"SQL: PIVOT makes a column of each value of {named}, and there are more than {pivoting.MOST:,}. "
                f"Name those that you want: ON {named} IN (...)."
            )
        values.append([value for (value,) in found])
    return _judged(connection, read.pivot.filled(values))


# -- one statement ----------------------------------------------------------------------------------------------------


def _read(connection: Connection, statement: Any) -> Read:
    kind, text = _kind(statement), _without_end(statement.query)
    if _SHOW_TABLES.fullmatch(text) and _has_contents(connection):
        text = LISTED
    parameters = frozenset(statement.named_parameters)
    if kind == "EXPLAIN":
        explained = _EXPLAIN.match(text)
        inner = reads(connection, text[explained.end() :]) if explained else []
        if explained is None or len(inner) != 1 or not inner[0].is_query:
            raise _refused("OTHER")
        return Read(f"EXPLAIN {_how(explained)}{inner[0].text}", False, parameters)
    if kind != "SELECT":
        raise _refused(_code(kind, text))
    _check_functions(connection, text)
    return Read(text, True, parameters)


LISTED = "SELECT name, use, one_row FROM main.contents ORDER BY place"
"""What `show tables` is answered by."""
_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)"
_SHOW_TABLES = re.compile(rf"{_SPACE}*SHOW{_SPACE}+TABLES{_SPACE}*", re.IGNORECASE | re.DOTALL)
_OPTION = rf"\"?(?:ANALYZE|FORMAT)\"?(?:{_SPACE}+'?\w+'?)?"
_EXPLAIN = re.compile(
    rf"{_SPACE}*EXPLAIN\b{_SPACE}*"
    rf"(?:(?P<analyze>ANALYZE\b)|\({_SPACE}*(?P<options>{_OPTION}(?:{_SPACE}*,{_SPACE}*{_OPTION})*){_SPACE}*\))?",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT = re.compile(rf"\bFORMAT\b\"?{_SPACE}+'?(\w+)", re.IGNORECASE | re.DOTALL)


def _how(explained: re.Match[str]) -> str:
    """What stands between EXPLAIN and its query, put together anew, so that nothing of a text runs that is not judged."""
    options = explained["options"] or ""
    said = ["ANALYZE"] if explained["analyze"] or re.search(r"\bANALYZE\b", options, re.IGNORECASE) else []
    said += [f"FORMAT {name}" for name in _FORMAT.findall(options)]
    return f"({', '.join(said)}) " if said else ""


def _has_contents(connection: Connection) -> bool:
    """Whether a warehouse lists what can be asked; one that an earlier version published does not."""
    found = (
        "SELECT 1 FROM duckdb_views() WHERE database_name = current_database() AND schema_name = 'main' AND view_name"
    )
    return connection.execute(f"{found} = 'contents'").fetchone() is not None


def _check_functions(connection: Connection, text: str) -> None:
    """Refuse a query with a function that does more than compute or describe. The tree is that of DuckDB's own parser."""
    asked = f"SELECT json_serialize_sql({sqltext.literal(text)}, skip_null := true, skip_empty := true)"
    try:
        row = connection.execute(asked).fetchone()
        tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    except RecursionError:
        raise UsageError("SQL: this query is nested too deeply; split it by WITH.") from None
    except DatabaseError as error:
        raise failure(error) from None
    if tree.get("error") or len(tree.get("statements", ())) != 1:
        raise _refused("OTHER")
    if row and METADATA_OF in row[0].lower():
        raise RefusedStatement("catalogue", "SQL: the tables of a lake's own catalogue are not for queries.")
    for name in _tables(tree):
        if _A_FILE.search(name):
            raise RefusedStatement(
                "file", f"SQL: {name!r:.200} is no table. {HINTS['file system operations are disabled']}"
            )
    for name, of_tables in _functions(tree):
        if of_tables and name.endswith(AS_OF) and _is_of_the_warehouse(connection, name):
            continue
        if (of_tables and name not in TABLE_FUNCTIONS) or name in FUNCTIONS_REFUSED:
            raise RefusedStatement("function", f"SQL: {name}() is refused. {_why(name)}")


def _is_of_the_warehouse(connection: Connection, name: str) -> bool:
    """Whether a function is a query that was published beside the views, and nothing that DuckDB or an extension brings."""
    found = (
        "SELECT 1 FROM duckdb_functions() WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND function_type = 'table_macro' AND function_name = {sqltext.literal(name)}"
    )
    return connection.execute(found).fetchone() is not None


_A_FILE = re.compile(r"[/\\]|\.(?:csv|tsv|txt|parquet|json|jsonl|ndjson|xlsx|db|duckdb|gz|zst)\Z", re.IGNORECASE)
"""What a name holds by which DuckDB would look for a file. It may reach those of a lake, unpublished ones among them."""


def _tables(tree: Any) -> Iterator[str]:
    """Each name that a parsed query reads from, as it would name a file."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if node.get("type") in ("BASE_TABLE", "SHOW_REF"):
                named = (node.get(each) for each in ("catalog_name", "schema_name", "table_name"))
                yield ".".join(str(each) for each in named if each)
            waiting += node.values()


def _functions(tree: Any) -> Iterator[tuple[str, bool]]:
    """Each function of a parsed query, and whether it gives a table."""
    waiting = [(tree, False)]
    while waiting:
        node, of_tables = waiting.pop()
        if isinstance(node, list):
            waiting += [(each, False) for each in node]
        elif isinstance(node, dict):
            if "function_name" in node:
                yield str(node["function_name"]).lower(), of_tables
            gives_table = node.get("type") == "TABLE_FUNCTION"
            waiting += [(each, gives_table and name == "function") for name, each in node.items()]


def _why(name: str) -> str:
    if _READS_FILES.fullmatch(name):
        return HINTS["file system operations are disabled"]
    if name in ("query", "query_table"):
        return "It runs a text that nobody has judged; write the query itself."
    if "log" in name or "profiling" in name or "checkpoint" in name:
        return "It changes a state of the database, and a query here only reads."
    return "A query here may use functions that compute or describe, and this one does more."


def _refused(code: str) -> RefusedStatement:
    return RefusedStatement(code, f"SQL: {WORDS[code]}")


def _code(kind: str, text: str) -> str:
    """Which words fit a kind of statement; of some kinds DuckDB makes one, and their first word tells them apart."""
    word = _first_word(text)
    if word in _FIRST_WORDS:
        return _FIRST_WORDS[word]
    if kind in _CHANGES:
        return "CHANGE"
    return kind if kind in WORDS else "OTHER"


def _kind(statement: Any) -> str:
    return str(statement.type).rpartition(".")[2].upper()


def _first_word(text: str) -> str:
    words = re.findall(rf"\A{_SPACE}*([A-Za-z]+)(?:{_SPACE}+([A-Za-z]+))?", text, re.DOTALL)
    first, second = (word.upper() for word in words[0]) if words else ("", "")
    return _TOGETHER.get((first, second), first)


def _without_end(text: str) -> str:
    """A statement without its semicolon and what stands behind it. Only the parser knows which semicolon is its end."""
    raw = text.encode()
    for place, kind in duckdb.tokenize(text):
        if raw[place : place + 1] == b";" and str(kind).endswith("operator"):
            return raw[:place].decode()
    return text
