"""Cells that a spreadsheet would run: a text that begins with `=`, `+`, `-` or `@` is a formula to it.

Names and notes come from documents that anybody may have written, and CSV cannot say what is text. So such a cell gets an
apostrophe, the spreadsheet's own sign for text. A number is no formula, so texts that are plain numbers stay as they are.
Whatever is written for a spreadsheet keeps this one rule: exports, the site's downloads, answers of `overbuild sql`.
"""

from __future__ import annotations

import re

from warehouse import sqltext

FORMULA = r"^[=+\-@\t\r]"
PLAIN_NUMBER = r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"


def neutral_text(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if re.match(FORMULA, text) and not re.match(PLAIN_NUMBER, text) else text


def neutral_sql(text: str) -> str:
    """SQL for the same of an expression that is a text. Few texts begin so, and only these are matched whole."""
    risky = f"left({text}, 1) IN ('=', '+', '-', '@', chr(9), chr(13))"
    number = sqltext.literal(PLAIN_NUMBER)
    return f"CASE WHEN {risky} AND NOT regexp_matches({text}, {number}) THEN '''' || {text} ELSE {text} END"
