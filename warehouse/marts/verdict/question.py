"""What a question of the method is: what it asks, its verdicts, its rule, its conditions and its words.

A question is answered from conditions that are each true, false or unknown. So it declares how its conditions come about
(`conditions`, a function of the frames that its parameters name), which of them make which verdict (`Verdict.when`), and
how figures and verdict are put into words. Everything else follows: the tables' allowed values and checks, the decision
table, the timeline, the traces and the report find the questions by themselves (`decision.questions`), so that another
question is one more file with a `QUESTION`.

An answer has three parts, each worded by its question from the case at hand (`Case`): a headline of at most 20 words, a
statement of at most three sentences of 25 words with at most four figures in each, and what would change the answer. The
last is a list of remedies; one whose conditions do not turn the verdict is not printed (`Remedy`).

Conditions are data. Words are made of their fields at the very end and read by no one but a reader.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import VIEWS
from warehouse.marts.common.words import Words

Row = Mapping[str, Any]
UNDECIDED = "cannot_tell"
NO_VIEW = "none"
VERDICT_OF = "verdict_of"  # kind of a condition that is the verdict on another question
COMPARISON_MEANINGS = {">=": "at or above", "<=": "at or below", "<": "below", ">": "above", "==": "equal"}


def compare(value: float, comparison: str, threshold: float) -> bool:
    """Whether `value` stands to `threshold` as `comparison` says."""
    return {
        ">=": value >= threshold,
        "<=": value <= threshold,
        "<": value < threshold,
        ">": value > threshold,
        "==": value == threshold,
    }[comparison]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the facts behind a figure are worth, and the day on which the newest of them became public."""

    grade: str | None = None
    evidence_grade: str | None = None
    known_on: date | None = None

    @classmethod
    def of(cls, *rows: Row) -> Evidence:
        """The weakest grade and the newest day of some rows, all of which matter to the figure."""
        grade = greatest(row.get("grade") for row in rows)
        return cls(grade=grade, evidence_grade=grade, known_on=greatest(row.get("known_on") for row in rows))


def greatest(values: Iterable[Any]) -> Any:
    """The weakest of some grades or the latest of some days; None where there are none."""
    return max((value for value in values if value is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison of one figure with one threshold.

    `kind` says which comparison it is; conditions of one kind differ by revenue view, window or `part` (a driver, a
    signal) and are worded alike. `details` holds what the words need and no column has. One that does not decide is
    shown beside those that do. `reasons` say why the value is unknown, or what to know of it.
    """

    kind: str
    quantity: str
    value: float | None
    comparison: str
    threshold: float | None
    unit: str
    decides: bool = True
    part: str = ""
    named: str = ""
    view: str = NO_VIEW
    window: tuple[int, int] | None = None
    ticker: str | None = None
    year: int | None = None
    calendar_quarter: str | None = None
    entities: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    reasons: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """`growth_recovers_capital_infrastructure`, `suppliers_car_below_zero_0_1`: unique among a question's conditions."""
        if self.named:
            return self.named
        view = "" if self.view == NO_VIEW else self.view
        return "_".join(str(part) for part in (self.kind, self.part, view, *(self.window or ())) if part != "")

    def row(self, scope: str, question: str) -> dict[str, Any]:
        """Its row of `verdict_conditions`, without words."""
        unknown = self.value is None or self.threshold is None
        holds = None if unknown else compare(float(self.value or 0), self.comparison, float(self.threshold or 0))
        first, last = self.window or (None, None)
        return {
            "scope": scope,
            "question": question,
            "condition": self.name,
            "kind": self.kind,
            "revenue_view": self.view,
            "ticker": self.ticker,
            "year": self.year,
            "calendar_quarter": self.calendar_quarter,
            "window_start": first,
            "window_end": last,
            "entities": list(self.entities) or None,
            "quantity": self.quantity,
            "value": None if self.value is None else float(self.value),
            "comparison": self.comparison,
            "threshold": None if self.threshold is None else float(self.threshold),
            "unit": self.unit,
            "holds": holds if self.decides else None,
            "decides": self.decides,
            "details": json.dumps(dict(self.details), ensure_ascii=False) if self.details else None,
            "evidence_grade": self.evidence.evidence_grade,
            "known_on": self.evidence.known_on,
            "grade": self.evidence.grade,
            "reasons": list(self.reasons or ()) or ([reason("no_fact")] if self.value is None else None),
        }


Conditions = Mapping[str, Sequence[Condition]]
"""The conditions of a question by scope."""


@dataclass(frozen=True)
class Remedy:
    """Something that would change a verdict: in words, and as what it makes of the conditions.

    `words` is what follows "would change it" turned round: `AI revenue above 90 billion dollars a year`, at most 12 words
    and no full stop. `sets` are the conditions that it turns and what each then is. They belong to the question itself, or
    to `question`, one that it rests on. The framework applies them to the decision table and prints no remedy that leaves
    the verdict as it is. `tries` says what a test has to change in facts or assumptions to see it happen: a driver and the
    value to which it has to move, for example.

    `likely` is the probability that learning this one thing changes the verdict (`value_of_information`), and `learn_from`
    what would be read to learn it. One that takes several facts together is not `single`.
    """

    words: str
    sets: Mapping[str, bool]
    question: str = ""
    tries: Mapping[str, Any] = field(default_factory=dict)
    likely: float = 0.0
    learn_from: str = ""
    single: bool = True


@dataclass(frozen=True)
class Leaning:
    """The share of draws that meet, each by itself, the conditions of a verdict, by verdict; `reasons` what to know of it."""

    shares: Mapping[str, float]
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Case:
    """One question of one scope, decided: what its words are made of.

    `conditions` are its rows of `verdict_conditions` by name, details included; `behind` are those that the verdict
    rests on. `others` are the cases of the questions that this one rests on, of the same scope. `group` is the same
    question's case of the group, None for the group itself; `companies` are, for the group alone, those of the companies,
    which are there when words are made. `leaning` is the verdict that the larger share of draws
    gives by itself, with that share, where there is no verdict and the share is large enough (method 7).
    """

    scope: str
    question: Question
    verdict: str
    conditions: Mapping[str, Row]
    behind: Sequence[Row]
    reasons: Sequence[str]
    others: Mapping[str, Case]
    assumptions: Assumptions
    group: Case | None = None
    companies: Mapping[str, Case] = field(default_factory=dict)
    leaning: str | None = None
    leaning_probability: float | None = None
    remedies: Sequence[Remedy] = ()

    def __getitem__(self, name: str) -> Row:
        return self.conditions[name]

    def value(self, name: str) -> float | None:
        """The value of a condition; None where it is unknown or there is no such condition."""
        row = self.conditions.get(name)
        return None if row is None else row["value"]

    def of_kind(self, *kinds: str) -> list[Row]:
        """The conditions of these kinds, by name."""
        return [row for _, row in sorted(self.conditions.items()) if row["kind"] in kinds]

    def all_hold(self, kind: str) -> bool:
        """Whether the conditions of a kind (one for each revenue view) hold together."""
        return all(row["holds"] for row in self.of_kind(kind))

    @property
    def is_decided(self) -> bool:
        return self.verdict != UNDECIDED

    @property
    def is_as_group(self) -> bool:
        """Whether a company's answer rests on the same figures as the group's, and so says nothing new."""
        return self.group is not None and self._resting() == self.group._resting()

    def _resting(self) -> tuple[str, list[tuple[str, Any]]]:
        rows = sorted(self.conditions.items())
        return self.verdict, [(name, row["value"]) for name, row in rows if row["decides"]]

    @property
    def forbidding(self) -> list[Row]:
        """Conditions that every verdict needs and that do not hold."""
        needed = self.question.needed(self.scope)
        return [row for row in self.behind if row["condition"] in needed and row["holds"] is False]

    @property
    def unknown(self) -> list[Row]:
        return [row for row in self.behind if row["holds"] is None]

    @property
    def briefly(self) -> str:
        """What another question's statement says of it, a clause without its full stop; empty where there is nothing."""
        return self.question.briefly(self) if self.conditions else ""

    def open_because(self) -> list[str]:
        """Why there is no verdict, in short clauses: what forbids one, and what is unknown (`Figure.open_because`)."""
        figures = self.question.figures
        rows = [row for row in (*self.forbidding, *self.unknown) if row["kind"] in figures]
        clauses = (says(row) if callable(says) else says for row in rows if (says := figures[row["kind"]].open_because))
        return list(dict.fromkeys(clauses))


Worded = Callable[[Case], str]


@dataclass(frozen=True)
class Verdict:
    """One answer to a question: its meaning, and when it is given.

    `when` are alternatives, each a set of conditions that must hold together; `not x` must be false, which unknown is
    not. `{view}` stands for each revenue view of the scope.
    """

    meaning: str
    when: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """How the conditions of a kind are worded, each from the fields of its row.

    `what` names the figure and opens its sentence. `states` is the sentence where no comparison in words would make it
    plain, `subject` whose figure it is. `open_because` is a clause of at most ten words for a reader (no code, no column
    name): what is missing where this condition is unknown or forbids a verdict.
    """

    what: str | Callable[[Row], str]
    states: Callable[[Row], str] | None = None
    subject: Callable[[Row], str] | None = None
    open_because: str | Callable[[Row], str] | None = None


Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Narrowing:
    """What a question needs of a mart, where that is less than a run asks of it: of its facts, and of its variants.

    It changes no verdict (a test holds it to that) and lets the timeline replay thirty days in the time of a few.
    """

    facts: Callable[[Frames, Assumptions], Frames] | None = None
    assumed: Callable[[Assumptions], Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of the method.

    `conditions(frame, ..., *, assumptions)` gives its conditions by scope from the frames that its parameters name.
    `concludes_from` are questions whose verdicts are conditions too: `q2_looks_wasteful` holds where Q2 looks wasteful,
    `q2_cannot_tell` where it has no verdict, `q3_between` where everything is known of Q3 and lies between its thresholds.
    `always` are conditions that each of its verdicts needs beside its own.

    The words, each a function of the case, whatever its verdict: `headline` (one sentence of at most 20 words), `statement`
    (at most three sentences of 25 words, at most four figures in each), `remedies` (what would change or settle it, the
    likeliest first; two are printed) and `briefly` (a clause for the answer that rests on this one, which closes it as a sentence
    of at most 25 words; empty where there is nothing to say). Of a company they say only what differs from the group (`Case.group`,
    `Case.is_as_group`). No codes such as Q3, no column names, figures rounded as people say them (`in_words.money`,
    `per_cent`, `fraction`). `silent` is what no answer to this question says, told once on the page. `between` is the
    reason where everything is known and fits no verdict. `words` are its reason codes.

    `leans` gives for a case without a verdict the share of draws that meet each verdict's conditions by themselves. Take
    them from conditions that do not decide. `leaning` is the verdict with the larger share, where that is large enough.

    `assumes` are the entries of the assumptions file that its figures rest on and whose evidence has a day: before it their
    wide range counts, and the answer names them.

    The ways back: `traces` lead from its conditions to the rows that they were made of, `facts` from its verdict on any
    day to the rows of `core` behind it (those known by then).
    """

    name: str
    asks: str
    verdicts: Mapping[str, Verdict]
    conditions: Callable[..., Conditions]
    figures: Mapping[str, Figure]
    headline: Worded
    statement: Worded
    remedies: Callable[[Case], Sequence[Remedy]]
    silent: str
    briefly: Worded = lambda case: ""
    between: Worded = lambda case: reason("fits_no_verdict")
    leans: Callable[[Case], Leaning] | None = None
    always: tuple[str, ...] = ()
    concludes_from: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()
    facts: tuple[Trace, ...] = ()
    narrowed: Mapping[str, Narrowing] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The frames that its conditions are made of."""
        parameters = inspect.signature(self.conditions).parameters.values()
        return tuple(p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY)

    def needed(self, scope: str) -> set[str]:
        """Conditions that every verdict on this scope needs."""
        return {name for each in self.always for name in spelled_out(each, scope)}


def spelled_out(name: str, scope: str) -> list[str]:
    """The conditions that a name with `{view}` stands for: one for each revenue view of the scope."""
    return [name.format(view=view) for view in VIEWS[scope]] if "{view}" in name else [name]
