"""What happens to corrupted data: try every known kind and print the table, or write it (docs/checks.md).

    python tools/checks_table.py            corrupt the snapshot in each way, print what caught it; fails where one got through
    python tools/checks_table.py --write    write docs/checks.md from the declared kinds and checks
    python tools/checks_table.py --check    fail where docs/checks.md is stale

What is published is what is declared (tests/quality/corruptions/). `make checks` holds all of it to what really happens,
and `make test` one kind for each result of each check.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.quality.corruptions import KINDS  # noqa: E402
from tools.pages import written  # noqa: E402
from warehouse import marts  # noqa: E402
from warehouse.quality import checks as quality  # noqa: E402
from warehouse.quality import known_findings  # noqa: E402
from warehouse.tables import CORE  # noqa: E402
from warehouse.tables.table import Check  # noqa: E402

PAGE = ROOT / "docs" / "checks.md"
RESULTS = {
    "refused": ("critical", "the run is refused, nothing is published"),
    "left_out": ("critical", "the live document is left out and named"),
    "critical": ("critical", "the run is refused, nothing is published"),
    "quarantined": ("critical", "the row is in quarantine and not in core"),
    "warning": ("warning", "published, and shown with the row"),
    "accepted": ("", "no corruption: read as it should be"),
}
BEFORE = {
    "reading": "reading the document",
    "said_twice": "one identity twice in a file",
}


def table() -> list[str]:
    lines = ["| corruption | table | caught by | severity | what becomes of it |", "|---|---|---|---|---|"]
    for kind in KINDS:
        severity, becomes = RESULTS[kind.result]
        caught = BEFORE.get(kind.caught_by) or (f"`{kind.caught_by}`" if kind.caught_by else "")
        lines.append(f"| {kind.name} | `{kind.table}` | {caught} | {severity} | {becomes} |")
    return lines


def page() -> str:
    results = Counter(kind.result for kind in KINDS)
    kept_out = sum(results[name] for name in ("refused", "left_out", "quarantined", "critical"))
    lines = [
        "# Checks, and what they catch",
        "",
        "Made from the declarations by `make docs`; do not edit. `make checks` tries every kind and prints this table.",
        "",
        "## Kinds of corruption",
        "",
        f"{len(KINDS)} kinds: {kept_out} never reach a mart, {results['warning']} are published with a warning that names the "
        f"row, {results['accepted']} are no corruption and must be read. Of the packaged snapshot itself no check finds anything "
        f"but {len(known_findings.entries())} known findings, each explained below.",
        "",
        *table(),
        "",
        "## Known findings",
        "",
        "What checks find in the packaged snapshot and is true all the same: shown as explained, not counted.",
        "",
        "| table | check | row | explanation |",
        "|---|---|---|---|",
    ]
    for known in known_findings.entries():
        key = ", ".join(f"{name} = {value}" for name, value in known.key)
        lines.append(f"| `{known.table}` | `{known.check}` | {key} | {known.explanation} |")
    return "\n".join([*lines, *declared_checks()]) + "\n"


def declared_checks() -> list[str]:
    lines = ["", "## Checks", "", "| table | check | severity | what it protects |", "|---|---|---|---|"]
    for declared in (*CORE.values(), *(mart.table for mart in marts.all_marts().values())):
        lines += [
            f"| `{declared.full_name}` | `{check.name}` | {severity(check)} | {check.protects} |"
            for check in declared.checks
        ]
    implied = {
        check.name: check for table in CORE.values() for check in quality.rules(table) if check not in table.checks
    }
    lines += ["", "Of every table, from its columns:", "", "| check | severity |", "|---|---|"]
    return [*lines, *(f"| `{check.name}` | {severity(check)} |" for check in implied.values())]


def severity(check: Check) -> str:
    return "quarantines rows" if check.quarantines or check.quarantines_compared else check.severity


def try_all() -> int:
    from tests.quality.corruptions.harness import laboratory  # Great Expectations takes seconds to import

    escaped = 0
    print("\n".join(table()[:2]).replace("what becomes of it |", "what became of it | also found by |") + "---|")
    with tempfile.TemporaryDirectory() as folder, laboratory(Path(folder)) as lab:
        for kind, line in zip(KINDS, table()[2:], strict=True):
            found = lab.try_out(kind)
            right = found.result == kind.result and (not kind.caught_by or kind.caught_by in found.found)
            escaped += not right
            also = ", ".join(sorted(set(found.found) - {kind.caught_by}))
            print(line if right else f"{line} **but: {found.result}**", also, "|")
    print(f"\n{len(KINDS)} kinds, {escaped} not as declared")
    return escaped


def main(arguments: list[str]) -> int:
    if arguments in (["--write"], ["--check"]):
        return written({PAGE: page()}, check=arguments == ["--check"])
    if arguments:
        raise SystemExit(__doc__)
    return bool(try_all())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
