"""The quality page of the site: what is new, what waits for a person, and how every table has changed from run to run.

A slow loss is seen in a line of thirty runs and in no single one. A provider gives fewer rows each day, or a column
empties. The lines are drawn as SVG in the page itself, so that it opens from disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from warehouse.database.connection import Connection
from warehouse.quality import counts, history, promises
from warehouse.reports.triage import triage
from warehouse.reports.values import readable

TEMPLATE = Path(__file__).with_name("quality.html.j2")
WIDTH, HEIGHT, MARGIN = 120, 24, 3
MEASURES = ("rows", "new_rows", "quarantined", "nulls", "age_days", "not_held")
ROWS_SHOWN = 100


def read(connection: Connection, run_id: str, waiting: list[dict[str, Any]], documented: set[str]) -> dict[str, Any]:
    """Everything the page shows. `documented` are the runs that have Data Docs beside the site."""
    results, records = history.results(connection, run_id), history.records(connection)
    found = triage(results)
    trends: dict[str, dict[str, list[int]]] = {}
    for row in history.trends(connection):
        trends.setdefault(row["table_name"], {})[row["measure"]] = row["values"]
    return {
        "run_id": run_id,
        "runs": history.runs(connection),
        "checked": counts.of_run(connection, run_id),
        "not_made": [
            row
            for row in records
            if not row["holds_now"] and row["last_made_in"] != run_id and row["expectation"] != counts.NOTICE
        ],
        "failed": [*(_shown(row, new=True) for row in found.new), *(_shown(row, new=False) for row in found.open)],
        "notices": [_shown(row, new=False) for row in found.notices],
        "resolved": found.resolved,
        "waiting": [row | {"about": history.about(row)} for row in waiting[:ROWS_SHOWN]],
        "waiting_count": len(waiting),
        "records": records,
        "sources": _sources(connection),
        "promises": promises.kept(connection),
        "trends": dict(sorted(trends.items())),
        "measures": MEASURES,
        "documented": documented,
        "last_runs": history.LAST_RUNS,
    }


def _shown(row: dict[str, Any], *, new: bool) -> dict[str, Any]:
    return row | {"found": history.found(row), "new": new}


def _sources(connection: Connection) -> list[dict[str, Any]]:
    return history.rows(
        connection,
        f"""WITH lately AS (SELECT run_id FROM provenance.runs ORDER BY started_at DESC LIMIT {history.LAST_RUNS})
        SELECT source, arg_max(outcome, checked_at) AS outcome, arg_max(message, checked_at) AS message,
          max(last_success_at) AS last_success_at, max(newest_known_on) AS newest_known_on, max(checked_at) AS checked_at,
          list(rows_read ORDER BY checked_at) AS read, count(*) FILTER (outcome IN ('failed', 'partly_failed')) AS failures,
          count(*) AS asked
        FROM provenance.source_runs JOIN lately USING (run_id) WHERE outcome <> 'skipped' GROUP BY source ORDER BY source""",
    )


def write(folder: Path, content: dict[str, Any], refusal: str = "") -> None:
    """Write the page into the folder of the site; with `refusal`, the page of a run that was refused for it."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    page = template.render(**content, report=not refusal, refusal=refusal, readable=readable, sparkline=sparkline)
    (folder / "quality.html").write_text(page, encoding="utf-8")


def sparkline(values: Sequence[float | None], what: str = "") -> Markup:
    """A line of values as an SVG image, from the lowest to the highest; what it shows is its title and its description."""
    known = [(place, float(value)) for place, value in enumerate(values) if value is not None]
    low, high = min((value for _, value in known), default=0), max((value for _, value in known), default=0)
    if low == high:
        return Markup("")  # what never changed needs no eye
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    tall = HEIGHT - 2 * MARGIN
    points = [(MARGIN + place * step, MARGIN + tall * (high - value) / (high - low)) for place, value in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    title = f"{what}: {readable(int(known[0][1]))} to {readable(int(known[-1][1]))} over {len(values)} runs, "
    title += f"lowest {readable(int(low))}, highest {readable(int(high))}"
    x, y = points[-1]
    return Markup(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{t}"><title>{t}</title>'
        '<polyline points="{l}"/><circle cx="{x}" cy="{y}" r="2"/></svg>'
    ).format(w=WIDTH, h=HEIGHT, t=title, l=line, x=f"{x:.1f}", y=f"{y:.1f}")
