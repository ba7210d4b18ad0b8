"""Make docs/reliability.md of what the harnesses counted: what was tried, what it found, what is promised and what is not.

    python tools/reliability.py           write the page
    python tools/reliability.py --check   exit 1 where it is stale

The numbers are those of torture/results.json, the faults those of torture/faults.toml. What is promised names its test.
"""

from __future__ import annotations

import sys
import tomllib
from itertools import groupby

from tools.pages import ROOT, written
from torture import results

PAGE = ROOT / "docs" / "reliability.md"
OPENING = """\
# Reliability

Made by `make torture` and `make docs` from what the harnesses counted; do not edit. [The threat model](threat-model.md) says what
is protected, and against whom. Counts add up over all runs of the harnesses so far.

## What was tried
"""
PROMISES = (
    ("A published answer is whole, whatever ends the run that makes the next one.", "tests/pipeline/test_publish.py"),
    ("A power cut leaves what was published whole, though file and folder were synced only in part.",
     "tests/torture/forking/kills.py"),
    ("Memory that runs out is said in words, with exit code 5, and what was published stands.", "tests/test_storage.py"),
    ("Whoever waits for a lock is told for whom, and gives up after a time.", "tests/test_turns.py"),
    ("No page of the web reaches Prefect's server that a run, the service or `deploy/` starts.", "tests/flows/test_guarded.py"),
    ("A program that passes on texts of others cannot have them write, and an assistant's answer has an end.",
     "tests/api/test_api.py"),
    ("A query cannot change what is published, nor take all time or memory.", "tests/database/test_reading.py"),
    ("A document gives rows, quarantined rows with reasons, or a refusal that says why.", "tests/sources/test_mutations.py"),
    ("A changed digit changes the figure that it stands in, or refuses it; no other row changes.",
     "tests/sources/test_no_wrong_figure.py"),
    ("The order of members, blanks and the way a number is written change no row.", "tests/sources/test_no_wrong_figure.py"),
    ("A host that misbehaves brings the same rows, or none and a reason.", "tests/fetching/test_hostile.py"),
    ("A member that says two things under one name is seen in every source, and a price that is none is no price.",
     "tests/sources/test_hostile_bodies.py"),
    ("Whatever stands in a file of our own, a command goes on without it or says which file it is and what to do.",
     "tests/test_own_files.py"),
    ("A bad certificate ends the request before anything is sent.", "tests/fetching/test_hostile.py"),
    ("Nothing that a server repeats of keys, contact or webhook is kept.", "tests/fetching/test_client.py"),
    ("Secrets planted before every source is asked are in no byte of what is left, in five spellings.",
     "tests/fetching/test_canaries.py"),
    ("Pages of the documentation take nothing from elsewhere and run no script but their own.", "tests/tools/test_docs_site.py"),
    ("The same inputs give the same bytes of every mart, whatever the threads, seeds, time zone and language.",
     "tests/marts/test_determinism.py"),
    ("Round after round the ledger of fetches says what the archive holds, and nothing grows that should not.",
     "tests/fetching/test_soak.py"),
    ("A publication in a shared warehouse is known as done or not done, also where the answer to its commit was lost.",
     "tests/database/test_lake.py"),
    ("Whoever may write to a catalogue may change the answer, and nothing else on the machines that read it.",
     "tests/database/test_lake.py"),
    ("Every package is locked by its hash, under terms of a list.", "tests/tools/test_supply_chain.py"),
)  # fmt: skip
"""What is promised, and the test that holds it in every build."""
UNTESTED = (
    "Real power cuts and real bad disks: flushes and renames are tested, the hardware below them is not.",
    "Other systems than Linux, and file systems over a network.",
    "Hosts that send plausible lies in the right form: the checks find some, and no harness counts them.",
    "Two machines that write to one home folder.",
    "Known vulnerabilities, wherever their database cannot be reached: `make supply-chain` says so.",
    "Browsers other than Chromium.",
    "Years of history: a week of whole runs is soaked, on small inputs and without most marts.",
    "Memory that runs out in Polars: it ends the process, without words of ours. What was published stands.",
)


def page() -> str:
    """The whole page."""
    return "\n".join([OPENING, *_tried(), "", *_faults(), "", *_promised(), ""])


def _tried() -> list[str]:
    found = results.read(ROOT / "torture" / "results.json")
    lines = ["| harness | attack | tried | survived | faults | minutes | last |", "|---|---|---:|---:|---:|---:|---|"]
    for harness, group in groupby(found, key=lambda one: one["harness"]):
        several = list(group)
        for one in several:
            lines.append(
                f"| {harness} | {one['what']} | {one['tried']:,} | {one['survived']:,} | {one['faults_found']} | "
                f"{one['seconds'] / 60:,.0f} | {one['date']} |"
            )
        if len(several) > 1:
            tried, survived, faults = (
                sum(one[name] for one in several) for name in ("tried", "survived", "faults_found")
            )  # type: ignore[literal-required]
            minutes = sum(one["seconds"] for one in several) / 60
            lines.append(
                f"| **{harness}** | **all** | **{tried:,}** | **{survived:,}** | **{faults}** | {minutes:,.0f} | |"
            )
    if not found:
        return ["Nothing yet: `make torture` counts."]
    return [*lines, "", "A fault that comes up again before it is mended counts each time its harness runs."]


def _faults() -> list[str]:
    given = tomllib.loads((ROOT / "torture" / "faults.toml").read_text(encoding="utf-8")).get("fault", [])
    lines = ["## Faults found and mended", "", "| found by | fault | kept away by |", "|---|---|---|"]
    return [*lines, *(f"| {one['harness']} | {one['what']} | `{one['test']}` |" for one in given)]


def _promised() -> list[str]:
    lines = ["## What is promised", "", "| promise | held by |", "|---|---|"]
    lines += [f"| {promise} | `{test}` |" for promise, test in PROMISES if (ROOT / test).exists()]
    return [*lines, "", "## What is not tested", "", *(f"- {each}" for each in UNTESTED)]


if __name__ == "__main__":
    sys.exit(written({PAGE: page()}, check="--check" in sys.argv))
