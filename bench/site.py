"""Writing the site against building the marts that it shows; how large it is, and how soon it is seen.

    python bench/site.py

Everything comes from one run of the packaged snapshot in a folder of its own. The second write finds nothing new, so it
should take pages from the first. Where there is no chromium, the time to the first paint is not measured, and that is said.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from _snapshot import facts

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
    print("| what | measured | against | ratio | target |")
    print("|---|---|---|---|---|")
    print(f"| writing {len(made.changed)} pages and {made.opened:,} of figures, CPU s | {writing:.1f} "
          f"| all marts {building:.1f} | {writing / building:.2f} | 1 |")  # fmt: skip
    print(f"| writing them again, nothing changed, CPU s | {rewriting:.1f} | the first time {writing:.1f} "
          f"| {rewriting / writing:.2f} | no page is read or drawn again |")  # fmt: skip
    print(f"| whole site, MB | {sum(sizes.values()) / 1e6:.1f} | | | 15 |")
    print(f"| front page, MB | {front / 1e6:.2f} | shared files {shared / 1e6:.2f} | | 1.5 |")
    print(paint)


def painted(page: Path, folder: Path) -> str:
    """A line about the first paint of the front page beside an empty one, opened by turns in one browser."""
    chromium = shutil.which("chromium")
    if not chromium:
        return "| first paint | not measured: no chromium | | | |"
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
    ours, floor = (statistics.median(took[path]) / 1000 for path in (page, empty))
    return f"| first paint, s | {ours:.2f} | an empty page {floor:.2f} | {ours - floor:+.2f} s | +1 s |"


if __name__ == "__main__":
    main()
