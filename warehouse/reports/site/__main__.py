"""`python -m warehouse.reports.site FOLDER [WAREHOUSE]`: the site of a published warehouse, to look at a page while it grows."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from warehouse.database import releases
from warehouse.paths import WAREHOUSE, paths_of
from warehouse.reports.site.write import write
from warehouse.settings import Settings


def main(folder: str, warehouse: str = "") -> None:
    """Write the site; files in the folder that did not change are left."""
    began, settings = time.process_time(), Settings()
    with releases.reading(Path(warehouse) if warehouse else paths_of(settings).current / WAREHOUSE) as connection:
        done = write(Path(folder), connection, sql_page=settings.sql_page)
    took = time.process_time() - began
    sys.stdout.write(
        f"{len(done.changed)} pages in {took:.1f} s of processor time: {Path(folder).absolute()}/index.html\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
