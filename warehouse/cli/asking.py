"""A query on the published warehouse, from its text to its answer, whatever asked for it.

It knows nothing of the library of the command line, so a plain query pays for importing none of it (`entry`).
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date
from pathlib import Path

from warehouse import stopping
from warehouse.cli import output
from warehouse.cli.answers import BY_DUCKDB, Answers, SqlFormat, a_pipe
from warehouse.cli.published import here, published
from warehouse.database import limits as bounds
from warehouse.database import releases
from warehouse.database.limits import Limits
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE


def ask(
    text: str | None,
    *,
    as_of: date | None = None,
    form: str = SqlFormat.table,
    target: Path | None = None,
    raw_cells: bool = False,
    limits: Limits | None = None,
) -> None:
    """Write the answers of a text to standard output or to `target`; without a text, prompt for queries."""
    limits = limits or Limits()
    folder = published(as_of)
    _warn_of_logs(folder / WAREHOUSE)
    with ExitStack() as stack:
        pipe = stack.enter_context(a_pipe()) if form in BY_DUCKDB or text is None else None
        connection = stack.enter_context(releases.reading(folder / WAREHOUSE, limits, pipe))
        answers = Answers(connection, limits, SqlFormat(form), raw_cells, pipe)
        if text is None:
            from warehouse.cli import prompt

            prompt.start(answers, here().root)
            return
        stack.enter_context(stopping.by_signals())
        stack.enter_context(stopping.last_act(bounds.remove_spills))
        stack.enter_context(bounds.bounded_process(limits))
        if not answers.run(text, _allowed(target)):
            raise UsageError("SQL: this text holds no query.")


def _allowed(target: Path | None) -> Path | None:
    """The file to write to. Raises UsageError for one that would take the place of what is published."""
    if target is None:
        return None
    paths = here()
    wanted = target.expanduser().absolute()
    published_here = (paths.releases.resolve(), paths.current, paths.raw)
    if wanted == paths.warehouse or any(p in wanted.parents or p in wanted.resolve().parents for p in published_here):
        raise UsageError(f"-o {target}: this would take the place of what is published; give another file.")
    return wanted


def _warn_of_logs(warehouse: Path) -> None:
    for log in releases.foreign_logs(warehouse):
        output.say(
            f"overbuild: {log}: no run wrote this file. The warehouse is read without it; other programs would take it "
            "for a part of the answer, so remove it."
        )
