"""Write the data dictionary, the glossary and the generated parts of other pages, or check that they are not stale.

    python tools/generate_docs.py            write them; the figures come from a real run in a temporary folder
    python tools/generate_docs.py --check    fail where a page is stale that comes from declarations

In a page everything between `<!-- generated: NAME -->` and `<!-- end -->` is replaced; the rest is written by hand. These
figures, and the picture of README.md, are held to a run by tests/test_docs.py, which shares the run that other tests read.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.pages import ROOT, written
from warehouse.database.releases import reading
from warehouse.marts.verdict.condition_words import graded
from warehouse.marts.verdict.decision import ASKED, SILENT
from warehouse.quality import counts
from warehouse.reference.glossary import glossary
from warehouse.reports.dictionary import page as dictionary
from warehouse.reports.site.charts import PALETTE

README = ROOT / "README.md"
PROGRAM = Path(sys.executable).with_name("overbuild")
DICTIONARY = ROOT / "docs" / "data-dictionary.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
PICTURE = ROOT / "docs" / "pictures" / "spending.svg"
"""The chart `quarters` of the site's front page, by itself."""


def main(check: bool) -> int:
    made = {DICTIONARY: dictionary.page(), GLOSSARY: glossary_page()}
    if check:
        return written(made, check=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**_without_settings(), "PREFECT_HOME": f"{folder}/prefect", "OVERBUILD_HOME": f"{folder}/home"}
        subprocess.run([PROGRAM, "run", "--quiet"], env=environment, cwd=folder, check=True)
        made |= of_a_run(Path(folder) / "home")
    return written(made)


def of_a_run(home: Path) -> dict[Path, str]:
    """The pages with figures of a run, and the picture, made anew from what is published in a folder."""
    with reading(home / "warehouse.duckdb") as connection:
        parts = {
            README: {"headlines": headlines(connection)},
            ROOT / "docs" / "index.md": {"answer": answer_lines(connection)},
            ROOT / "docs" / "guides" / "quality.md": {"quality": quality_lines(connection)},
        }
    pages = {path: with_parts(path, path.read_text(encoding="utf-8"), made) for path, made in parts.items()}
    return pages | {PICTURE: picture(home)}


def picture(home: Path) -> str:
    """The site's chart as a file that stands by itself: its colours in place of variables, its pattern, a background."""
    page = (home / "site" / "index.html").read_text(encoding="utf-8")
    patterns = re.findall(r"<defs>.*?</defs>", page, re.DOTALL)[0]
    drawing = re.findall(r"<svg .*?</svg>", page[page.index('<figure class="chart" id="quarters">') :], re.DOTALL)[0]
    opening, rest = drawing.split(">", 1)
    made = f'{opening}>{patterns}<rect width="100%" height="100%" fill="var(--paper)"/>{rest}\n'
    for colour, variable in PALETTE.items():
        made = made.replace(f"var({variable})", colour)
    return made


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("OVERBUILD_", "PREFECT_"))}


def with_parts(path: Path, text: str, parts: Mapping[str, str]) -> str:
    """The text of a page with some of its generated parts replaced."""
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{path.relative_to(ROOT)} has no place for the generated part {name!r}")
        text = pattern.sub(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
    return text


def _answers(connection) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The date of the answer; by question, the overall one first: verdict, grade, headline, statement, what would change it."""
    rows = connection.execute(
        "SELECT question, verdict, evidence_grade, headline, statement, would_change, as_of FROM marts.verdict "
        "WHERE scope = 'ALL'"
    ).fetchall()
    by_question = {question: tuple(said) for question, *said, _ in rows}
    return str(rows[0][-1]), {
        question: by_question[question] for question in sorted(ASKED, key=lambda q: q != "overall")
    }


def headlines(connection) -> str:
    """Each question's verdict in a sentence."""
    as_of, answers = _answers(connection)
    lines = [
        f"As of {as_of}, from the packaged snapshot:",
        "",
        "| question | verdict | why | evidence |",
        "|---|---|---|---|",
    ]
    for question, (verdict, grade, headline, *_) in answers.items():
        lines.append(f"| {ASKED[question]} | **{verdict.replace('_', ' ')}** | {headline} | grade {grade} |")
    return "\n".join(lines)


def answer_lines(connection) -> str:
    """Each question's verdict with its figures and what would change it, and what no answer says."""
    as_of, answers = _answers(connection)
    lines = [f"As of {as_of}, from the packaged snapshot:", ""]
    for question, (verdict, grade, headline, statement, would_change) in answers.items():
        lines += [f"### {ASKED[question]} {verdict.replace('_', ' ').capitalize()}", ""]
        lines += [f"{graded(headline, grade)} {statement} {would_change}", ""]
    lines += ["### What these answers do not say", "", " ".join(SILENT.values())]
    return "\n".join(lines)


def quality_lines(connection) -> str:
    made = sum(counts.of_runs(connection).values(), counts.Counts())
    total, held, carried = made.checks, made.held, made.carried_over
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
            "restates another. They are counted as held, and `overbuild quality --all` shows each with its explanation. A figure "
            "that changes is a new finding."
        )
    if failed:
        lines += ["", "| table | check | severity | rows | what it protects |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |" for row in failed]
    return "\n".join(lines)


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


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    raise SystemExit(main(check="--check" in sys.argv))
