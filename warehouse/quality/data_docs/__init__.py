"""Great Expectations' Data Docs, as pages that open from disk without a network.

Great Expectations renders its results well, but frames them in pages that load styles and scripts from public hosts.
So its renderers make the content here, and the frame, the style sheet and the start page are ours. A folder holds:

    index.html                what the latest run found, and the runs before it
    runs/RUN/index.html       what that run found
    runs/RUN/TABLE.html       each check of a table with what it found
    suites/TABLE.html         the checks of a table, with their SQL
"""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from warehouse import files
from warehouse.quality import checks, expectations, wording
from warehouse.quality.counts import Counts
from warehouse.quality.findings import Finding, Target

HERE = Path(__file__).parent
STYLE = "style.css"
KEPT_RUNS = 10
# In the order in which a reader wants them.
OUTCOMES = ("broken", "critical", "quarantined", "warning")
EXPLAINED = "explained"


class _View(DefaultJinjaPageView):
    """Great Expectations' view with our templates before its own."""

    _template = "page.html"

    def __init__(self) -> None:
        super().__init__()
        self.env.loader = ChoiceLoader([FileSystemLoader(HERE), self.env.loader])  # type: ignore[list-item]
        self.env.auto_reload = False

    @classmethod
    @cache
    def shared(cls) -> _View:
        """The view with its templates compiled, once in a process."""
        return cls()

    def page(self, template: str, **values: Any) -> str:
        return self.env.get_template(template).render(**values)


def write(folder: Path, findings: Sequence[Finding], *, run_id: str, checked_at: datetime, today: date) -> None:
    """Write the pages of these findings, or add them to what the same run has found before."""
    run = folder / "runs" / run_id
    for path in (run, folder / "suites"):
        path.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / STYLE, folder / STYLE)
    view, by_target = _View.shared(), _by_target(findings)
    for found in by_target:
        target = found[0].target
        suite, result = _great_expectations(target, found, checked_at, today)
        summary = _summary(target, found)
        frame = {"root": "../..", "about": summary, "run_id": run_id, "now": checked_at}
        content = ValidationResultsPageRenderer().render(result)
        _put(run / f"{target.name}.html", _in_order(view.render(content, **frame)))
        content = ExpectationSuitePageRenderer().render(suite)
        _put(folder / "suites" / f"{target.name}.html", _in_order(view.render(content, **{**frame, "root": ".."})))
    _remember(run, by_target, run_id, checked_at)
    _write_indexes(folder, run, view)


def carry_over(earlier: Sequence[Path], folder: Path, keep: int = KEPT_RUNS - 1) -> None:
    """Take the latest runs of other folders along, so that the pages written next show them as earlier ones.

    The checks' own pages come along, too, for tables that are not checked again. Nothing of it changes any more, so
    files are linked. A folder that does not exist has no runs.
    """
    if (folder / "runs").exists():
        return  # taken along already, with the first part of this run
    found = {run["run_id"]: (run["checked_at"], other) for other in earlier for run in _runs(other)}
    latest = sorted(found.items(), key=lambda item: item[1][0], reverse=True)[:keep]
    taken = [(other, Path("runs") / run_id) for run_id, (_, other) in latest]
    for other, part in (*taken, *((other, Path("suites")) for other in earlier)):
        if (other / part).is_dir() and not (folder / part).exists():
            files.link_folder(other / part, folder / part)


def _in_order(page: str) -> str:
    """Headings one below the other: the renderers begin at the fifth level, and a screen reader's list has a gap then.

    Values are escaped, so no tag in the page comes from one.
    """
    for given, wanted in (("h5", "h2"), ("h6", "h3")):
        page = page.replace(f"<{given}", f"<{wanted}").replace(f"</{given}>", f"</{wanted}>")
    return page


def _put(path: Path, text: str) -> None:
    """Write a page anew: it may be linked from another folder, which keeps the old one."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def _by_target(findings: Sequence[Finding]) -> list[list[Finding]]:
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.target.name, []).append(finding)
    return list(grouped.values())


def _great_expectations(
    target: Target, findings: Sequence[Finding], checked_at: datetime, today: date
) -> tuple[gx.ExpectationSuite, ExpectationSuiteValidationResult]:
    """The findings as the objects that Great Expectations renders."""
    wanted = [expectations.expectation(finding.check, target, today, place) for place, finding in enumerate(findings)]
    suite = gx.ExpectationSuite(name=target.name, expectations=wanted)
    results = []
    for finding, asked in zip(findings, wanted, strict=True):
        failed = {"raised_exception": True, "exception_message": finding.error, "exception_traceback": ""}
        results.append(
            ExpectationValidationResult(
                success=finding.success,
                expectation_config=asked.configuration,
                result=_result(finding),
                exception_info=failed if finding.error is not None else None,
            )
        )
    held = sum(finding.success for finding in findings)
    return suite, ExpectationSuiteValidationResult(
        success=held == len(findings),
        suite_name=target.name,
        results=sorted(results, key=lambda result: bool(result.success)),  # what did not hold comes first
        statistics={
            "evaluated_expectations": len(findings),
            "successful_expectations": held,
            "unsuccessful_expectations": len(findings) - held,
            "success_percent": 100 * held / len(findings) if findings else None,
        },
        meta={
            # The renderer tries to read the name as a date, and some of our names read as an impossible one.
            "run_id": RunIdentifier(run_name="run", run_time=checked_at),
            "great_expectations_version": gx.__version__,
        },
    )


def _result(finding: Finding) -> dict[str, Any]:
    """What an expectation's page shows of a finding. Values come from documents, so they are escaped."""
    if finding.count is None or finding.row_count is None:
        return {}
    # A query may find more than the table has rows (sessions without a bar), and more than all is refused.
    rows, count = max(finding.row_count, finding.count), finding.count
    result: dict[str, Any] = {
        "element_count": rows,
        "unexpected_count": count,
        "unexpected_percent": 100 * count / rows if rows else 0.0,
        "partial_unexpected_list": [html.escape(example) for example in finding.examples],
    }
    if finding.check.name == checks.ROW_COUNT:
        result["observed_value"] = rows
    elif finding.check.name == checks.COLUMNS:
        result["observed_value"] = "as declared" if finding.success else f"{count} differ"
    elif not finding.check.name.startswith("expect_"):
        result["observed_value"] = f"{count} row{'' if count == 1 else 's'}"
    return result


def _summary(target: Target, findings: Sequence[Finding]) -> dict[str, Any]:
    """One line of the start page."""
    return {
        "name": target.name,
        "meaning": target.table.meaning,
        "looked_at": {"rows": "single rows", "table": "as a whole", "all": "rows and whole"}[target.level],
        "rows": findings[0].row_count if findings else None,
        "checks": len(findings),
        "carried_over": sum(finding.how == "carried_over" for finding in findings),
        "skipped": sum(finding.how == "skipped" for finding in findings),
        **{outcome: sum(finding.outcome == outcome for finding in findings) for outcome in OUTCOMES},
    }


def _remember(run: Path, by_target: Sequence[Sequence[Finding]], run_id: str, checked_at: datetime) -> None:
    """Add to the run's record, from which the start pages are written."""
    record = run / "run.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {"targets": [], "messages": []}
    new = {found[0].target.name for found in by_target}
    targets = [target for target in known["targets"] if target["name"] not in new]
    targets += [_summary(found[0].target, found) for found in by_target]
    messages = [message for message in known["messages"] if message["name"] not in new]
    messages += [
        {
            "name": finding.target.name,
            "outcome": finding.outcome,
            "text": finding.said,
            "check": wording.label(finding.check, finding.target.table),
        }
        for found in by_target
        for finding in found
        if not finding.success
    ]
    messages += [
        {
            "name": finding.target.name,
            "outcome": EXPLAINED,
            "text": f"{wording.label(finding.check, finding.target.table)}: {wording.explained(one)}",
        }
        for found in by_target
        for finding in found
        for one in finding.explained
    ]
    _keep(record, {
        "run_id": run_id,
        "checked_at": checked_at.isoformat(),
        "version": gx.__version__,
        "targets": targets,
        "compared": known.get("compared", {}),
        "promises": known.get("promises", []),
        "messages": messages,
    })  # fmt: skip


def _keep(record: Path, written: dict[str, Any]) -> None:
    written["messages"].sort(key=lambda message: (*OUTCOMES, EXPLAINED).index(message["outcome"]))
    _put(record, json.dumps(written, ensure_ascii=False))


def add_compared(folder: Path, run_id: str, results: Sequence[Mapping[str, Any]]) -> None:
    """Add comparisons with earlier runs to the pages of a run: they have no page of their own, and count as checks.

    `results` are rows of `quality.results`.
    """
    run = folder / "runs" / run_id
    if not (run / "run.json").exists():
        return
    known = json.loads((run / "run.json").read_text(encoding="utf-8"))
    pages = {target["name"] for target in known["targets"]}
    messages = [
        {
            "name": row["table_name"],
            "outcome": "warning",
            "text": json.loads(row["details"])["message"],
            "check": f"{row['expectation']} {row['column_name']}".strip(),
        }
        for row in results
        if not row["success"] and row["table_name"] in pages
    ]
    failed = sum(not row["success"] for row in results)
    compared = {"checks": len(results), "warning": failed}
    _keep(run / "run.json", known | {"compared": compared, "messages": [*known["messages"], *messages]})
    _write_indexes(folder, run, _View.shared())


PROMISED = (
    "table_name",
    "state",
    "age",
    "at_most",
    "unit",
    "measured_of",
    "owner",
    "notify",
    "runs_kept",
    "runs_broken",
)


def add_promises(folder: Path, run_id: str, standing: Sequence[Mapping[str, Any]]) -> None:
    """Add to the pages of a run how each table kept the promise of its owner (`promises.kept`): now, and over all runs."""
    record = folder / "runs" / run_id / "run.json"
    if not record.exists():
        return
    known = json.loads(record.read_text(encoding="utf-8"))
    _keep(record, known | {"promises": [{name: row[name] for name in PROMISED} for row in standing]})
    _write_indexes(folder, record.parent, _View.shared())


def totals(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the checks of a run came to: how many of each outcome, and in words how many there were."""
    numbers = ("checks", "carried_over", "skipped", *OUTCOMES)
    parts = [*record["targets"], record.get("compared", {})]
    found = {key: sum(part.get(key, 0) for part in parts) for key in numbers}
    carried_over, skipped = found["carried_over"], found["skipped"]
    made = Counts(
        checks=found["checks"],
        held=found["checks"] - sum(found[outcome] for outcome in OUTCOMES),
        ran=found["checks"] - carried_over - skipped,
        carried_over=carried_over,
        skipped=skipped,
    )
    return {**found, "said": made.said()}


def _runs(folder: Path) -> list[dict[str, Any]]:
    """Records of the runs in a folder, the latest first."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("runs/*/run.json")]
    return sorted(records, key=lambda record: record["checked_at"], reverse=True)


def _write_indexes(folder: Path, run: Path, view: _View) -> None:
    runs = _runs(folder)
    for record in runs:
        record["totals"] = totals(record)
    for place, record in enumerate(runs):
        _compare(record, runs[place + 1] if place + 1 < len(runs) else None)
    this = next(record for record in runs if record["run_id"] == run.name)
    _put(folder / "index.html", view.page("index.html", run=runs[0], runs=runs, root="."))
    _put(run / "index.html", view.page("index.html", run=this, runs=[], root="../.."))


def _compare(record: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Say of a run's findings which are new since the run before, and which of that run's hold again.

    What is new comes first, then what is open still, and tables in which a check did not hold before those in which all did.
    """
    failed = [message for message in record["messages"] if message["outcome"] != EXPLAINED]
    known = [message for message in before["messages"] if message["outcome"] != EXPLAINED] if before else []
    looked_at = {target["name"] for target in record["targets"]}
    record["compared_with"] = before["run_id"] if before else None
    record["new"] = [message for message in failed if before and not _found(message, known)]
    record["open"] = [message for message in failed if message not in record["new"]]
    record["explained"] = [message for message in record["messages"] if message["outcome"] == EXPLAINED]
    record["resolved"] = [m for m in known if m["name"] in looked_at and not _found(m, failed)]
    record["targets"].sort(key=lambda target: tuple(not target.get(outcome) for outcome in OUTCOMES))


def _found(message: dict[str, Any], among: Sequence[dict[str, Any]]) -> bool:
    """Whether the check that a message is of is among others; records of earlier versions know only their text."""
    return any(
        message["name"] == other["name"]
        and (message["text"] == other["text"] or (message.get("check") or 0) == other.get("check"))
        for other in among
    )
