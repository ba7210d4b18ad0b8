"""How reasons become English. The words stand in `warehouse.marts.wording`: one file a subject, each with its `WORDS`.

`WORDS` maps a reason code to its sentence: a text with `{fields}` (a list stands in it with commas), or a function from
the fields to the sentence where more has to be made of them. A field `because` holds the reasons behind a reason; in a
text, `{because}` is their sentences. Nothing reads these sentences back, so they can be reworded freely.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import polars as pl

from warehouse.marts.common.reasons import CODE, REASONS, read

Words = str | Callable[[Mapping[str, Any]], str]
SEPARATOR = "; "
WORDING = "warehouse.marts.wording"
OF_QUESTIONS = "warehouse.marts.verdict.condition_words"
"""A question of the verdict holds its own words, in its own file; they are gathered there."""


@cache
def catalogue() -> dict[str, Words]:
    """Every reason code with its words. Raises ValueError where two subjects word the same code."""
    found: dict[str, Words] = {}
    # Words know their subject's marts, and every mart knows this file: so they are found by name and not imported.
    files = pkgutil.iter_modules(importlib.import_module(WORDING).__path__, f"{WORDING}.")
    for name in (*(info.name for info in files), OF_QUESTIONS):
        words: dict[str, Words] = importlib.import_module(name).WORDS
        if twice := sorted(found.keys() & words.keys()):
            raise ValueError(f"{name} words codes of another file: {', '.join(twice)}")
        found |= words
    return found


def sentence(reason: str) -> str:
    """One reason in words. Raises KeyError where its code has none."""
    fields = read(reason)
    words = catalogue()[fields[CODE]]
    if "because" in fields:
        fields["because"] = sentences(fields["because"] or ())
    return words(fields) if callable(words) else words.format_map({n: _in_text(value) for n, value in fields.items()})


def _in_text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def sentences(reasons: Iterable[str]) -> str:
    """Several reasons as one text."""
    return _together(map(sentence, reasons))


def _together(parts: Iterable[str]) -> str:
    """Parts of a sentence with a semicolon between them, each once; what ends with a full stop needs none.

    Two reasons may differ in a field that their words do not name, such as the revenue view.
    """
    text = ""
    for part in dict.fromkeys(parts):
        between = "" if not text else " " if text.endswith(".") else SEPARATOR
        text += between + part
    return text


def worded(frame: pl.DataFrame, reasons: str = REASONS, into: str = "reason") -> pl.DataFrame:
    """`frame` with the column `into`: its lists of `reasons` in words, null where a row has none."""
    words = cache(sentence)
    told = frame.get_column(reasons).to_list()
    together = {each: _together(map(words, each)) for each in {tuple(each) for each in told if each is not None}}
    texts = [None if each is None else together[tuple(each)] for each in told]
    return frame.with_columns(pl.Series(into, texts, dtype=pl.String))
