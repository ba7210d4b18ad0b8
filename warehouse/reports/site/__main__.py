"""`python -m warehouse.reports.site FOLDER [WAREHOUSE [LAST]]`: the site of a published warehouse, without a run.

It is for whoever writes a page and wants to look at it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from warehouse.database import releases
from warehouse.paths import WAREHOUSE, paths_of
from warehouse.reports.site.write import write
from warehouse.settings import Settings


def main(folder: str, warehouse: str = "", last: str = "") -> None:
    """Write the site; pages that are those of `last`, another folder that it was written into, are taken from there."""
    began, settings = time.process_time(), Settings()
    with releases.reading(Path(warehouse) if warehouse else paths_of(settings).current / WAREHOUSE) as connection:
        done = write(Path(folder), connection, Path(last) if last else None, sql_page=settings.sql_page)
    took = time.process_time() - began
    counts = f"{len(done.changed)} new pages, {len(done.kept)} taken, {done.opened_anew:,} new pages of figures"
    sys.stdout.write(f"{counts} in {took:.1f} s of processor time: {Path(folder).absolute()}/index.html\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
