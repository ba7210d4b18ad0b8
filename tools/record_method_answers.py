"""Write what the current version of the method answers on the day that it came in, once and for good.

    python tools/record_method_answers.py PROGRAM

PROGRAM is the commit of this program. It runs the packaged facts as of the day of the version's changes, in a folder of its
own, and adds the group's verdicts to warehouse/reference/method_changes.toml. A version that has its answers is left alone: they
are kept, whatever a later program would say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from warehouse.marts.verdict import method_changes
from warehouse.marts.verdict.decision import METHOD_VERSION, QUESTIONS

FILE = Path(__file__).parent.parent / "warehouse" / "reference" / method_changes.FILE


def main(program: str) -> int:
    [day] = {each["changed_on"] for each in method_changes.kept()["changes"] if each["version"] == METHOD_VERSION}
    if method_changes.answer(METHOD_VERSION, day) is not None:
        print(f"version {METHOD_VERSION} has its answers as of {day}; they are kept")
        return 0
    verdicts = answers(day)
    with FILE.open("a", encoding="utf-8") as file:
        file.write(entry(program, day, verdicts))
    print(f"wrote the answers of version {METHOD_VERSION} as of {day} to {FILE.name}")
    return 0


def answers(day: date) -> dict[str, tuple[str, str | None]]:
    """The group's verdict on each question with its grade, from a run of the packaged facts in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OVERBUILD_", "PREFECT_"))}
        environment = {**kept, "OVERBUILD_HOME": f"{folder}/home", "PREFECT_HOME": f"{folder}/prefect"}
        program = str(Path(sys.executable).with_name("overbuild"))
        command = [program, "verdict", "--as-of", day.isoformat(), "--company", "ALL", "--format", "json"]
        asked = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    return {row["question"]: (row["verdict"], row["evidence_grade"]) for row in json.loads(asked.stdout)}


def entry(program: str, day: date, verdicts: dict[str, tuple[str, str | None]]) -> str:
    """The answers as they stand in the file."""
    facts = f"the packaged facts, known by {day}"
    lines = [
        "",
        "[[answers]]",
        f"version = {METHOD_VERSION}",
        f"as_of = {day}",
        f'program = "{program}"',
        f'facts = "{facts}"',
        f'citation = "the program of version {METHOD_VERSION} (commit {program}), run once on {facts}"',
        "",
        "[answers.verdicts]",
    ]
    for question in ("overall", *(q for q in QUESTIONS if q != "overall")):
        verdict, grade = verdicts[question]
        graded = f', grade = "{grade}"' if grade else ""
        lines.append(f'{question} = {{ verdict = "{verdict}"{graded} }}')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    raise SystemExit(main(sys.argv[1]))
