"""How a command ends that is told to stop: soon, with nothing half done, and with the exit code that says by what.

SIGTERM comes from whoever runs services, SIGHUP from a terminal that goes away, SIGINT from Ctrl-C. The first one is an
exception in the main thread, so that everything is put away as in any other failure. That can take long: a thread waits
for a server that does not answer, or a library computes and looks at no signal. So somebody watches, and after a few
seconds, or at a second signal, ends the process. What must not stay is removed first (`last_act`).

What a run publishes, it publishes in one step. A signal before that step keeps it from being taken (`require_going_on`),
and one in the middle waits for its end (`undisturbed`).
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

GRACE_SECONDS = 2.0
"""How long a command may take to end by itself before it is ended; the system's own limits are longer."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StoppedError(KeyboardInterrupt):
    """The command was told to stop by a signal."""


class _State:
    """What this process knows of its end."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self.watching = 0
        self.undisturbed = 0
        self.published = ""
        self.acts: dict[object, Callable[[], object]] = {}


_state = _State()


def asked() -> bool:
    """Whether a signal told this command to stop."""
    return _state.asked is not None


def exit_code() -> int:
    """What a command leaves with that was stopped: 128 and the signal's number, as shells say it."""
    return 128 + (_state.asked or signal.SIGINT)


def said() -> str:
    """What to say of a command that was stopped."""
    by = "" if _state.asked in (None, signal.SIGINT) else f" by {signal.Signals(_state.asked).name}"
    return f"stopped{by}; {_state.published or 'nothing was published'}."


def note_published(what: str) -> None:
    """From here on something is published, and a stop does not take it back."""
    _state.published = what


def require_going_on() -> None:
    """Raises StoppedError where this command was told to stop: for what must not begin then."""
    if asked():
        raise StoppedError


@contextmanager
def undisturbed() -> Iterator[None]:
    """A signal lets what is done here end, unless that takes too long."""
    _state.undisturbed += 1
    try:
        yield
    finally:
        _state.undisturbed -= 1


@contextmanager
def last_act(act: Callable[[], object]) -> Iterator[None]:
    """What is done where the process is ended in the middle of this, because it does not end by itself."""
    key = object()
    _state.acts[key] = act
    try:
        yield
    finally:
        _state.acts.pop(key, None)


@contextmanager
def by_signals(*, raises: bool = True, grace_seconds: float = GRACE_SECONDS) -> Iterator[None]:
    """Have signals stop what is done here. A signal that whoever started us has us ignore (`nohup`) is still ignored.

    Without `raises` the program has handlers of its own for the first signal. Only the main thread can do this; in any
    other one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return
    listening, writing = os.pipe()
    os.set_blocking(writing, False)
    if not _state.watching:
        _state.asked, _state.published = None, ""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    wakes_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(listening, grace_seconds), name="watching for signals", daemon=True)
    watcher.start()
    _state.watching += 1
    try:
        if raises:
            take_over()
        yield
    finally:
        _state.watching -= 1
        for number, handler in before.items():
            if handler is not None:  # None: something that is no Python has it
                signal.signal(number, handler)
        signal.set_wakeup_fd(wakes_before)
        os.close(writing)
        watcher.join()
        os.close(listening)


def take_over() -> None:
    """Make signals stop this command again where a library took them for itself. Without `by_signals` nothing changes."""
    if _state.watching and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _raise)


def _raise(number: int, _: Any) -> None:
    _state.asked = _state.asked or number
    if not _state.undisturbed:
        raise StoppedError


def _watch(listening: int, grace_seconds: float) -> None:
    """Wait for the first signal, then for its grace to pass or a second one, and end the process."""
    ignored = {number for number in SIGNALS if signal.getsignal(number) is signal.SIG_IGN}
    while number := _next(listening, None):
        if number in SIGNALS and number not in ignored:
            _state.asked = _state.asked or number
            while (second := _next(listening, grace_seconds)) is not None:
                if not second:
                    return
                if second in SIGNALS and second not in ignored:
                    break
            end_now()


def _next(listening: int, seconds: float | None) -> int | None:
    """The number of the next signal; 0 where nobody sends any more, None where none came in time."""
    ready, _, _ = select.select([listening], [], [], seconds)
    if not ready:
        return None
    return next(iter(os.read(listening, 1)), 0)


def end_now() -> None:
    """End this process at once, in any thread: with the last acts, and nothing else."""
    with suppress(Exception):
        sys.stderr.write(f"overbuild: {said()}\n")
        sys.stderr.flush()
    for act in reversed(list(_state.acts.values())):
        with suppress(Exception):
            act()
    os._exit(exit_code())
