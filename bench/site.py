"""Writing the site against building the marts that it shows; how large it is, and how soon it is seen.

    python -m bench.site

Everything comes from one run of the packaged snapshot in a folder of its own. The second write finds nothing new, so it
should take pages from the first. Where there is no chromium, the time to the first paint is not measured, and that is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from bench.lines import report
from bench.snapshot import facts
from warehouse import marts
from warehouse.assumptions import load
from warehouse.calendars.exchange import sessions
from warehouse.database import releases
from warehouse.reports.site.write import write

AS_OF = date(2026, 11, 9)
PROGRAM = Path(sys.executable).with_name("overbuild")
OPENED = 7
EMPTY = "<!doctype html><html lang='en'><title>empty</title><body><p>.</p></body></html>"
PAINTED = "performance.getEntriesByType('paint').find(p => p.name === 'first-contentful-paint')?.startTime"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environment = {**os.environ, "OVERBUILD_HOME": str(home), "PREFECT_HOME": f"{folder}/prefect"}
        subprocess.run([PROGRAM, "run", "--quiet"], env=environment, cwd=folder, check=True, capture_output=True)
        first, again = Path(folder) / "first", Path(folder) / "again"
        frames = facts() | {"sessions": sessions(date(2018, 1, 1), AS_OF)}
        began = time.process_time()
        marts.build(frames, as_of=AS_OF, assumptions=load())
        building = time.process_time() - began
        with releases.reading(home / "warehouse.duckdb") as connection:
            began = time.process_time()
            made = write(first, connection)
            writing = time.process_time() - began
            began = time.process_time()
            kept = write(again, connection, first)
            rewriting = time.process_time() - began
        paint = painted(first / "index.html", Path(folder))
        sizes = {path: path.stat().st_size for path in first.rglob("*") if path.is_file()}
    if kept.changed or kept.read or kept.opened_anew:
        raise SystemExit(f"nothing changed, and these pages were written again: {kept.changed or kept.read}")
    shared = sum(size for path, size in sizes.items() if path.parent.name == "assets")
    front = sizes[first / "index.html"]
    pages = f"{len(made.changed)} pages and {made.opened:,} of figures"
    report(f"writing {pages}", "building all marts", "CPU s", [writing], [building], target=1)
    report("writing them again, nothing changed", "the first time", "CPU s", [rewriting], [writing], target=0.1)
    report("the whole site", "limit", "MB", [sum(sizes.values()) / 1e6], target=15)
    report("the front page", "limit", "MB", [front / 1e6], target=1.5)
    report("files that all pages share", "", "MB", [shared / 1e6])
    if paint:
        empty, page = paint.values()
        report("first paint of the front page", "an empty page", "s", page, empty)
        report(
            "first paint beyond an empty page's",
            "limit",
            "s",
            [a - b for a, b in zip(page, empty, strict=True)],
            target=1,
        )


def painted(page: Path, folder: Path) -> dict[Path, list[float]]:
    """Seconds to the first paint of the front page and of an empty one, opened by turns in one browser; none without one."""
    chromium = shutil.which("chromium")
    if not chromium:
        print("No chromium: the first paint is not measured.")
        return {}
    from playwright.sync_api import sync_playwright

    empty = folder / "empty.html"
    empty.write_text(EMPTY, encoding="utf-8")
    took: dict[Path, list[float]] = {empty: [], page: []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(OPENED):
            for path, times in took.items():
                opened = browser.new_page()
                opened.goto(path.as_uri())
                opened.wait_for_timeout(200)
                times.append(float(opened.evaluate(PAINTED) or "nan"))
                opened.close()
        browser.close()
    return {path: [milliseconds / 1000 for milliseconds in times] for path, times in took.items()}


if __name__ == "__main__":
    main()
