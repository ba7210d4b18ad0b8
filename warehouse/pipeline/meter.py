"""The stopwatch of a run: each step is measured where it is called, so that no step knows of it.

Steps are functions that take the run's context. `measured` wraps one of them and finds the context among its arguments.
It notes how long the step took, how much memory the process held by its end, and what was moved. Steps of sources run at the same
time, in threads.
"""

from __future__ import annotations

import functools
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
Moved = tuple[int | None, int | None]


@dataclass(frozen=True)
class Step:
    """One step of a run, as `provenance.step_metrics` holds it."""

    place: int
    step: str
    started_at: datetime
    seconds: float
    outcome: str
    rows: int | None
    bytes: int | None
    peak_memory_bytes: int


class Listener(Protocol):
    """Who is told of the steps of a run while it runs."""

    def step_started(self, name: str, at: datetime) -> None: ...

    def step_ended(self, step: Step, result: Any, error: BaseException | None) -> None: ...


@dataclass
class Meter:
    """The steps of one run so far. `ingested` are the results of sources, each with the bytes of its documents.

    `moved` tells rows and bytes of what a step made. `recorded` is what the warehouse was told of the run, and `promises`
    how its tables keep theirs, once these are known. `notes` are failures to measure.
    """

    started: float = field(default_factory=time.monotonic)
    cpu_started: float = field(default_factory=time.process_time)
    steps: list[Step] = field(default_factory=list)
    ingested: list[Any] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    moved: Callable[[Any], Moved] = lambda _: (None, None)
    recorded: dict[str, Any] = field(default_factory=dict)
    promises: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[Any], None]]:
        """Measure a step; the function that is given takes its result."""
        started_at, before, result = datetime.now(UTC), time.monotonic(), None
        error: BaseException | None = None

        def note(found: Any) -> None:
            nonlocal result
            result = found

        self._tell(lambda one: one.step_started(name, started_at))
        try:
            yield note
        except BaseException as raised:
            error = raised
            raise
        finally:
            rows, size = self._of(result)
            with self._lock:
                outcome = "failed" if error is not None else "completed"
                seconds = time.monotonic() - before
                step = Step(len(self.steps), name, started_at, seconds, outcome, rows, size, peak_memory_bytes())
                self.steps.append(step)
                if name.startswith("ingest ") and result is not None:
                    self.ingested.append((result, size or 0))
            self._tell(lambda one: one.step_ended(step, result, error))

    def _of(self, result: Any) -> Moved:
        try:
            return self.moved(result)
        except Exception as error:  # no failure to measure harms a run
            self.notes.append(f"a step could not be measured: {type(error).__name__}: {error}")
            return None, None

    def _tell(self, what: Callable[[Listener], None]) -> None:
        for one in self.listeners:
            try:
                what(one)
            except Exception as error:  # whoever listens harms no run
                self.notes.append(f"{type(one).__name__} could not be told of a step: {type(error).__name__}: {error}")


def measured(function: Function) -> Function:
    """A step whose run context is among its arguments is measured under its name; a source's under `ingest NAME`."""

    @functools.wraps(function)
    def step(*arguments: Any, **named: Any) -> Any:
        run = next((one for one in arguments if hasattr(one, "meter")), None)
        if run is None:
            return function(*arguments, **named)
        source = getattr(arguments[0], "name", None)
        name = f"ingest {source}" if function.__name__ == "ingest_source" else function.__name__
        with run.meter.step(name) as note:
            found = function(*arguments, **named)
            note(found)
            return found

    return step  # type: ignore[return-value]


def peak_memory_bytes() -> int:
    """The most memory that this process has held (resident)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
