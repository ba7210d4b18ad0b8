"""Write the generated parts of README.md and the data dictionary, or check that they are not stale.

    python tools/generate_docs.py            write them; the figures come from a real run in a temporary folder
    python tools/generate_docs.py --check    fail where a part is stale that comes from declarations and docstrings

In README.md everything between `<!-- generated: NAME -->` and `<!-- end -->` is replaced; the rest is written by hand.
Its figures are held to a run by tests/test_docs.py, which shares the run that other tests read.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from warehouse import marts
from warehouse.database import views
from warehouse.database.connection import ALIAS, in_memory
from warehouse.database.releases import reading
from warehouse.marts.payback.formulas import QUANTITY_FORMULAS
from warehouse.marts.verdict.condition_words import graded
from warehouse.marts.verdict.decision import ASKED, SILENT
from warehouse.reference.glossary import glossary
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Column, Table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PROGRAM = Path(sys.executable).with_name("overbuild")
DICTIONARY = ROOT / "docs" / "data-dictionary.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
FIRST_QUERY = (
    "select calendar_quarter, ticker, capex_usd, capex_to_operating_cash_flow, grade from marts.capex_quarterly "
    "where ticker in ('MSFT', 'AMZN') and calendar_quarter >= '2025Q3' order by all"
)


def main(check: bool) -> int:
    text = README.read_text(encoding="utf-8")
    if check:
        wanted = {DICTIONARY: dictionary(), GLOSSARY: glossary_page(), README: with_parts(text, {"folders": folders()})}
        return bool([path for path, made in wanted.items() if is_stale(path, made)])
    with tempfile.TemporaryDirectory() as folder:
        environment = {**_without_settings(), "PREFECT_HOME": f"{folder}/prefect", "OVERBUILD_HOME": f"{folder}/home"}
        subprocess.run([PROGRAM, "run", "--quiet"], env=environment, cwd=folder, check=True)
        made = {DICTIONARY: dictionary(), GLOSSARY: glossary_page(), README: readme(text, Path(folder) / "home")}
    for path, wanted_text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted_text, encoding="utf-8")
    return 0


def is_stale(path: Path, wanted: str) -> bool:
    """Whether a file is not as it should be; prints in what it differs."""
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    if found == wanted:
        return False
    lines = found.splitlines(), wanted.splitlines()
    diff = difflib.unified_diff(*lines, "as it is", "as it should be", lineterm="")
    print("\n".join([f"{path.relative_to(ROOT)} is stale; run `make docs`:", *list(diff)[:40]]))
    return True


def readme(text: str, home: Path) -> str:
    """README.md with its generated parts made anew, its figures from what is published in a folder."""
    environment = {**_without_settings(), "OVERBUILD_HOME": str(home), "COLUMNS": "120"}
    command = [PROGRAM, "sql", FIRST_QUERY]
    shown = subprocess.run(command, env=environment, cwd=home, check=True, capture_output=True, text=True).stdout
    with reading(home / "warehouse.duckdb") as connection:
        as_of, answers = answer_lines(connection)
        counts = quality_lines(connection)
    parts = {
        "answer": f"As of {as_of}, from the packaged snapshot:\n\n{answers}",
        "query": f'```\n$ .venv/bin/overbuild sql "{FIRST_QUERY}"\n{_trimmed(shown)}\n```',
        "quality": counts,
        "folders": folders(),
    }
    return with_parts(text, parts)


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("OVERBUILD_", "PREFECT_"))}


def with_parts(text: str, parts: Mapping[str, str]) -> str:
    """`text` with some of its generated parts replaced."""
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no place for the generated part {name!r}")
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
    return text


def answer_lines(connection) -> tuple[str, str]:
    rows = connection.execute(
        "SELECT question, verdict, evidence_grade, headline, statement, would_change, as_of FROM marts.verdict "
        "WHERE scope = 'ALL'"
    ).fetchall()
    by_question = {question: said for question, *said, _ in rows}
    lines = []
    for question in ("overall", *(q for q in ASKED if q != "overall")):
        verdict, grade, headline, statement, would_change = by_question[question]
        said = f"{graded(headline, grade)} {statement} {would_change}"
        lines.append(f"- **{ASKED[question]}** *{verdict.replace('_', ' ').capitalize()}.* {said}")
    lines += ["", f"What these answers do not say: {' '.join(SILENT.values())}"]
    return str(rows[0][-1]), "\n".join(lines)


def quality_lines(connection) -> str:
    total, held, carried = connection.execute(
        "SELECT count(*), count(*) FILTER (success), count(*) FILTER (how = 'carried_over') FROM quality.results"
    ).fetchone()
    failed = connection.execute(
        "SELECT table_name, expectation, severity, unexpected_count, details->>'$.protects' FROM quality.results "
        "WHERE NOT success ORDER BY ALL"
    ).fetchall()
    [(checks, findings)] = connection.execute(
        "SELECT count(*), coalesce(sum(json_array_length(details, '$.explained')), 0) FROM quality.results "
        "WHERE json_array_length(details, '$.explained') > 0"
    ).fetchall()
    lines = [
        f"On the packaged snapshot {held} of {total} checks hold. Of {carried} the result is the one that was found of the rows "
        "before they were loaded."
    ]
    if findings:
        lines[0] += (
            f" {checks} of them found {findings} things that look wrong, were looked into and are true, such as a filing that "
            "restates another. They are counted as held, and `overbuild quality` shows each with its explanation. A figure that "
            "changes is a new finding."
        )
    if failed:
        lines += ["", "| table | check | severity | rows | what it protects |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |" for row in failed]
    return "\n".join(lines)


def folders() -> str:
    """The folders, each with the first line of its docstring."""
    lines = ["| folder or file | what is there |", "|---|---|"]
    packages = [ROOT / name for name in ("flows", "warehouse", "sql")]
    packages += sorted(path.parent for path in (ROOT / "warehouse").glob("[a-z]*/__init__.py"))
    for package in packages:
        lines.append(f"| `{package.relative_to(ROOT)}/` | {_first_line(package / '__init__.py')} |")
    for module in sorted((ROOT / "warehouse").glob("[a-z]*.py")):
        lines.append(f"| `{module.relative_to(ROOT)}` | {_first_line(module)} |")
    return "\n".join(lines)


def _first_line(path: Path) -> str:
    match = re.search(r'"""(.+?)(?:\n\n|""")', path.read_text(encoding="utf-8"), re.DOTALL)
    if not match:
        raise SystemExit(f"{path} has no docstring")
    return " ".join(match[1].split()).replace("|", "/")


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def dictionary() -> str:
    """Every table, view and column, from their declarations."""
    parts = [
        "# Data dictionary",
        "",
        "Made from the declarations by `make docs`; do not edit. Shares and returns are fractions, dates are DATE, times are UTC.",
        "",
        "A figure that is computed has its formula in italics and symbols, with the section of the method that it is from.",
        "",
        "Where the rows of a column are of several quantities, these are their formulas:",
        "",
        "| quantity | formula |",
        "|---|---|",
        *(
            f"| `{name}` | {each.words}: `{each.symbols}` (method {each.method}) |"
            for name, each in QUANTITY_FORMULAS.items()
        ),
    ]
    tables: list[Table] = [*CORE.values(), *(mart.table for mart in marts.all_marts().values()), *SYSTEM.values()]
    for table in sorted(tables, key=lambda t: (("core", "marts", "quality", "provenance").index(t.schema), t.name)):
        parts += [
            "",
            f"## {table.full_name}",
            "",
            f"{table.meaning}. Key: {', '.join(f'`{k}`' for k in table.key)}.",
            "",
        ]
        parts += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        parts += [f"| `{c.name}` | {c.type} | {c.unit} | {_explained(c)} |".replace("||", "| |") for c in table.columns]
        if table.checks:
            parts += ["", "Checks:", ""]
            parts += [
                f"- `{c.name}` ({'quarantines rows' if c.quarantines or c.quarantines_compared else c.severity}): {c.protects}"
                for c in table.checks
            ]
    return "\n".join([*parts, *_views()]) + "\n"


def glossary_page() -> str:
    """The glossary as a page of the documentation."""
    parts = [
        "# Glossary",
        "",
        "The words of the domain and of the pipeline, as the code, the messages and the documents use them.",
    ]
    for title, words in glossary().items():
        parts += ["", f"## {title}", "", "| term | meaning |", "|---|---|"]
        parts += [f"| {term} | {meaning} |" for term, meaning in words.items()]
    return "\n".join(parts) + "\n"


def _views() -> list[str]:
    """The views of `sql/views/`, from the comments that a run gives them; made on empty tables."""
    with in_memory() as database:
        database.execute(f"ATTACH ':memory:' AS {ALIAS}; USE {ALIAS}")
        answers = [mart.table for mart in marts.all_marts().values()]
        tables = [*CORE.values(), *SYSTEM.values(), *answers]
        for schema in dict.fromkeys(table.schema for table in tables):
            database.execute(f"CREATE SCHEMA {schema}")
        for table in tables:
            for statement in table.ddl():
                database.execute(statement)
        views.create(database, date.max, views.statements(), answers)
        parts = ["", "## Views in main", "", "Each table of `core` has a view of its current rows and each mart one of its bare "
                 "name, with the same columns. These are put together for a reader:"]  # fmt: skip
        for statement in views.statements():
            name = views.name_of(statement)
            rows = database.execute(
                "SELECT column_name, lower(data_type), coalesce(comment, '') FROM duckdb_columns() "
                "WHERE schema_name = 'main' AND table_name = ? ORDER BY column_index", [name],
            ).fetchall()  # fmt: skip
            parts += ["", f"### main.{name}", "", views.opening_of(statement), ""]
            parts += ["| column | type | meaning |", "|---|---|---|"]
            parts += [f"| `{column}` | {kind} | {meaning} |" for column, kind, meaning in rows]
    return parts


def _explained(column: Column) -> str:
    """What a column holds, and how it comes about where it is computed."""
    if column.formula is None:
        return column.explained
    formula = column.formula
    said = f"{column.explained}. *{formula.words}*"
    if formula.symbols:
        said += f": `{formula.in_symbols()}`"
    if formula.of:
        said += f", by `{formula.of}`"
    return f"{said} (method {formula.method})".replace("|", "\\|") if formula.method else said.replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    raise SystemExit(main(check="--check" in sys.argv))
