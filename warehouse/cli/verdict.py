"""`overbuild verdict`: the answer, the figures and thresholds behind it, and what other assumptions would make of it."""

from __future__ import annotations

from typing import Annotated

import typer

from warehouse.cli import completion, verdict_screen
from warehouse.cli.options import AsOf, Form
from warehouse.cli.output import Format


def verdict(
    as_of: AsOf = None,
    company: Annotated[
        str, typer.Option(metavar="TICKER", help="One company instead of all.", autocompletion=completion.companies)
    ] = "",
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume", metavar="KEY=VALUE", help="A what-if: replace an assumption, as life=3; may be repeated."
        ),
    ] = None,
    why: Annotated[
        bool,
        typer.Option("--why", help="Also the figures and thresholds behind each answer, and what it does not say."),
    ] = False,
    form: Form = Format.table,
) -> None:
    if assume:
        from warehouse.pipeline import what_if

        what_if.assumed(assume)  # a mistake is an error before a dated answer is made
    verdict_screen.show(as_of, company, form, assume or (), why=why)
