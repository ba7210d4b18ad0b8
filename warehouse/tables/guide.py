"""What a reader must know of a table before asking it: what one row is, what a sum over it would count twice, queries.

Most wrong figures come from right queries on a table that was misread. Filings print a quarter, the half year and the
year, so the sum over a company's filed figures is about three times what it spent. So each table says in its declaration
what a row stands for and what must not be added up, and gives queries to start from. The comments in the warehouse, the
data dictionary and `overbuild sql --describe` show the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Guide:
    """`grain` says what one row is, in a sentence. `do_not_sum` says what must not be added up, and why.

    `examples` are queries by the question that each answers. They run on a published warehouse and give rows.
    """

    grain: str = ""
    do_not_sum: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)

    @property
    def warning(self) -> str:
        """`do_not_sum` as a sentence; empty where any sum is right."""
        return f"Do not sum {self.do_not_sum}" if self.do_not_sum else ""

    def beside(self, meaning: str) -> str:
        """A table's meaning with its grain and its warning: the comment that the warehouse holds."""
        return " ".join(f"{each.rstrip('.')}." for each in (meaning, self.grain, self.warning) if each)
