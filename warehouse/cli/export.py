"""`overbuild export`: every mart and every table of facts as Parquet and CSV, described, with terms and a version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warehouse import stopping
from warehouse.cli.options import AsOf
from warehouse.cli.output import say
from warehouse.cli.published import published
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE


def export(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty, does not exist yet or holds an export.")],
    raw: Annotated[bool, typer.Option("--raw", help="Leave texts of CSV that a spreadsheet would run.")] = False,
    packed: Annotated[bool, typer.Option("--gzip", help="Compress CSV.")] = False,
    own_use: Annotated[
        bool, typer.Option("--own-use", help="Also rows whose terms forbid passing them on; keep it to yourself.")
    ] = False,
    as_of: AsOf = None,
) -> None:
    from warehouse.reports.export import write  # Polars and Jinja are needed here only

    write.refuse_other_files(folder)  # before a dated answer is made
    with stopping.by_signals(), reading(published(as_of) / WAREHOUSE) as connection:
        done = write.write(folder, connection, raw=raw, own_use=own_use, packed=packed)
    for table, rows in done.withheld.items():
        say(f"left out: {rows:,} rows of {table}; the terms of their source do not allow them to be passed on")
    if done.sources:
        say(
            f"  terms of {', '.join(source.name for source in done.sources)}: LICENSE.txt; --own-use exports them for you"
        )
    say(f"{done.files} files, {done.size_bytes / 1e6:.1f} MB, {done.rows:,} rows, version {done.version}")
    typer.echo(folder)
