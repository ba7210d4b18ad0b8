"""The words of the project, explained for somebody who is new to it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.reference.glossary import glossary
from warehouse.reports.site.blocks import Block, Shown, Table
from warehouse.reports.site.page import Page, Reader

PAGE = Page("glossary.html", "Glossary", "The words of the domain and of the pipeline.", label="Glossary", place=240)


def content(reader: Reader) -> Sequence[Block]:
    return [
        Table(
            f"part-{number}",
            title,
            pl.DataFrame({"term": list(words), "meaning": list(words.values())}),
            (Shown("term", "Word"), Shown("meaning", "Meaning")),
        )
        for number, (title, words) in enumerate(glossary().items(), start=1)
    ]
