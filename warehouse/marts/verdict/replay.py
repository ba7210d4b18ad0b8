"""The verdict as of many days, as a run on each of them would have given it, in a fraction of the time.

Replaying a chain of marts thirty times costs thirty times as much unless what has not changed is kept (`Memory`). A mart
is a function of its inputs, so one whose facts, other inputs and assumptions are those of an earlier day is not run again.
A mart whose function takes the as-of date runs each time; where it gives what it gave before, those that read it do not.

And a mart is given only what the questions read of it. Most facts that become public in a month (other companies' filings,
other chips' prices, prices after an event's last window) cannot change a verdict, and without them a mart's inputs are
those of the day before. Each question declares what it can do without (`Question.narrowed`); a mart is narrowed where all
questions that read it, directly or not, agree. That this changes no answer is held by a test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import pairwise

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts, known
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.memory import Memory
from warehouse.marts.common.standing import Noting, content, digest, known_rows
from warehouse.marts.verdict.question import Narrowing
from warehouse.marts.verdict.questions import questions
from warehouse.marts.verdict.verdict import TABLE as VERDICT
from warehouse.spreading import Spread

EVERYTHING = Narrowing()
REPLAYED = (VERDICT.name, "breakeven_path")
MOST_BYTES_SENT = 1 << 30
"""Facts of more bytes are not sent to others: that takes longer than the work."""


def replay(
    facts: Mapping[str, pl.DataFrame],
    as_of_dates: list[date],
    assumptions: Assumptions,
    name: str = VERDICT.name,
    spread: Spread | None = None,
) -> dict[date, pl.DataFrame]:
    """`marts.verdict` (or another of `REPLAYED`) as of each date, from `facts` as known by it.

    The same as a build for each date alone. All of them are made in one go, which is kept until other facts, dates or
    assumptions are asked for (`_LAST`): whoever asks for the second has it for nothing. `spread` takes
    some days each, which are a function of the facts and know nothing of the others.
    """

    def made() -> dict[date, dict[str, pl.DataFrame]]:
        read = looked_at({name: facts[name] for name in _read() if name in facts}, chain(REPLAYED), assumptions)
        if spread is None or len(as_of_dates) < 2 or _bytes(read) > MOST_BYTES_SENT:
            return _replayed(read, as_of_dates, assumptions)
        return _spread_out(read, as_of_dates, assumptions, spread)

    names = sorted(facts)
    asked = (names, *(facts[table] for table in names), as_of_dates, assumptions.sha256, assumptions.overridden)
    # One day is soon made again, and would push out thirty.
    found = _LAST.get(asked, made) if len(as_of_dates) > 1 else made()
    return {day: frames[name] for day, frames in found.items()}


_LAST: Kept[dict[date, dict[str, pl.DataFrame]]] = Kept(most=1)
"""The last replay of several days. Two marts ask for it (the timeline, the paths), and marts know nothing of each other's
work. It is a memory and no state: what it gives is what the function would give, for the very frames that were asked."""


def _read() -> list[str]:
    """The facts that the chain reads."""
    marts = chain(REPLAYED)
    return sorted({name for mart in marts.values() for name in mart.inputs} - set(marts))


def _bytes(facts: Mapping[str, pl.DataFrame]) -> int:
    return sum(int(frame.estimated_size()) for frame in facts.values())


def _spread_out(
    facts: Mapping[str, pl.DataFrame], as_of_dates: list[date], assumptions: Assumptions, spread: Spread
) -> dict[date, dict[str, pl.DataFrame]]:
    """The days in blocks, one for each that works. Days of a block follow each other, because each has much of the last."""
    plain = assumptions.plain if isinstance(assumptions, Noting) else assumptions
    count = min(spread.width, len(as_of_dates))
    ends = [len(as_of_dates) * n // count for n in range(count + 1)]
    blocks = [as_of_dates[first:end] for first, end in pairwise(ends)]
    pieces = [spread.submit(_replayed, facts, block, plain) for block in blocks]
    return {day: answer for piece in pieces for day, answer in piece.result().items()}


def _replayed(
    facts: Mapping[str, pl.DataFrame], as_of_dates: list[date], assumptions: Assumptions
) -> dict[date, dict[str, pl.DataFrame]]:
    marts = chain(REPLAYED)
    narrowings = narrowed()
    asked_for = {each.assumed for each in narrowings.values() if each.assumed}
    fewer_variants = {each: assumptions.replaced(each(assumptions)) for each in asked_for}
    memory = Memory()
    answers: dict[date, dict[str, pl.DataFrame]] = {}
    frames: dict[str, pl.DataFrame] = {}
    for day in as_of_dates:
        before = frames
        # Facts only ever get added, so that of two days on which a table has as many rows they are the same.
        frames = {
            name: before[name] if name in before and before[name].height == frame.height else frame
            for name, frame in known(facts, day).items()
        }
        for name, mart in marts.items():
            narrowing = narrowings.get(name, EVERYTHING)
            fewer = narrowing.facts(frames, assumptions) if narrowing.facts else {}
            given = {**frames, **{each: memory.same(each, frame) for each, frame in fewer.items()}}
            assumed = fewer_variants[narrowing.assumed] if narrowing.assumed else assumptions
            frames[name] = memory.run(mart, given, as_of=day, assumptions=assumed)
        answers[day] = {name: frames[name] for name in REPLAYED}
    return answers


def fingerprints(
    facts: Mapping[str, pl.DataFrame], as_of_dates: Collection[date], assumptions: Assumptions
) -> dict[date, str]:
    """A digest for each date of all that its answer is made of: while that is the same, so is what `replay` gives.

    Of the sessions only those that the questions look at: a new one every day would change the answers of no earlier day.
    """
    marts, narrowings = chain(REPLAYED), narrowed()
    few = looked_at({name: facts[name] for name in _read()}, marts, assumptions)
    read = [name for name in few if name != "sessions"]
    rows = {name: known_rows(few[name]) for name in read}
    of_sessions = [narrowings.get(name, EVERYTHING) for name, mart in marts.items() if "sessions" in mart.inputs]
    seen = [({**facts, **each.facts(facts, assumptions)} if each.facts else facts)["sessions"] for each in of_sessions]
    always = [*map(content, seen), assumptions.sha256, *assumptions.overridden]
    return {day: digest(day.isoformat(), *always, *(rows[name](day) for name in read)) for day in as_of_dates}


def looked_at(
    facts: Mapping[str, pl.DataFrame], marts: Mapping[str, Mart], assumptions: Assumptions
) -> Mapping[str, pl.DataFrame]:
    """`facts` without the rows that none of the marts is given on any day: bars of shares outside the panel, of later days.

    Else each day would take its bars from all of a market's. Of a table that several marts read, all must do without the same.
    """
    narrowings = narrowed()
    fewer = dict(facts)
    for name, mart in marts.items():
        narrowing = narrowings.get(name, EVERYTHING)
        if narrowing.facts and facts.keys() >= set(mart.inputs):
            for table, frame in narrowing.facts(facts, assumptions).items():
                readers = [reader for reader, each in marts.items() if table in each.inputs]
                if table != "sessions" and all(narrowings.get(each, EVERYTHING) == narrowing for each in readers):
                    fewer[table] = frame
    return fewer


def chain(names: Iterable[str]) -> dict[str, Mart]:
    """Some marts and every mart that they read, directly or not, in the order of building."""
    marts = all_marts()
    needed = set(names)
    for name in reversed(list(marts)):
        if name in needed:
            needed.update(marts[name].inputs)
    return {name: mart for name, mart in marts.items() if name in needed}


def narrowed() -> dict[str, Narrowing]:
    """What each mart is asked for less, where all questions that read it can do without the same."""
    found: dict[str, set[Narrowing]] = {}
    for question in questions().values():
        for name in chain(question.inputs):
            found.setdefault(name, set()).add(question.narrowed.get(name, EVERYTHING))
    return {name: each.pop() for name, each in found.items() if len(each) == 1}
