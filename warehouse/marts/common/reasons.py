"""Why a figure is missing, or what to know of it: the sentences of a row as one text.

A row may have several reasons, or none. Where it has none the text is null and never empty, as checks and readers ask
whether there is a reason and not whether it has letters.
"""

from __future__ import annotations

import polars as pl

SEPARATOR = "; "


def joined(*sentences: str | pl.Expr) -> pl.Expr:
    """The sentences that apply (those that are not null; a name is a column), in their order; null where none does."""
    text = pl.concat_str(sentences, separator=SEPARATOR, ignore_nulls=True)
    return pl.when(text != "").then(text)
