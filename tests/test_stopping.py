"""A command that is told to stop ends soon, whatever it does, and says by its exit code what stopped it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from warehouse import stopping

ENDS_WITHIN_SECONDS = 60.0

GOES_ON = """
print("ready", flush=True)
while True: time.sleep(0.01)
"""
# Ready once the main thread computes: before that it would look.
NEVER_LOOKS = """
threading.Timer(0.5, print, ("ready",), {"flush": True}).start()
hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""
SWALLOWS = """
try:
    print("ready", flush=True)
    time.sleep(600)
except BaseException: pass
time.sleep(600)
"""
PUBLISHES = """
print("ready", flush=True)
with stopping.undisturbed():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    stopping.note_published("run 1 had been published before")
stopping.require_going_on()
"""


@contextmanager
def started(body: str, *, ignores: str = "", grace: float = 0.5) -> Iterator[subprocess.Popen[str]]:
    """A program that does this under `by_signals`, and says `ready` before and `cleared` as its last act."""
    program = f"""
import hashlib, os, signal, sys, threading, time
from warehouse import stopping
from warehouse.cli import entry
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it
{ignores}
def command(_):
    with stopping.by_signals(grace_seconds={grace}), stopping.last_act(lambda: print("cleared", flush=True)):
{textwrap.indent(textwrap.dedent(body), " " * 8)}
    return True
entry._plain = command
entry.main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_each_signal_has_its_exit_code(number, code):
    with started(GOES_ON, grace=600) as process:
        process.send_signal(getattr(signal, number))
        out, said = process.communicate(timeout=ENDS_WITHIN_SECONDS)
    assert (process.returncode, out) == (code, ""), said
    by = "" if number == "SIGINT" else f" by {number}"
    assert said == f"overbuild: stopped{by}; nothing was published.\n"


@pytest.mark.parametrize("body", [SWALLOWS, NEVER_LOOKS])
def test_what_does_not_end_by_itself_is_ended_and_cleared(body):
    with started(body) as process:
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=ENDS_WITHIN_SECONDS)
    assert (process.returncode, out) == (143, "cleared\n"), said
    assert said == "overbuild: stopped by SIGTERM; nothing was published.\n"


def test_a_second_signal_ends_at_once():
    """What never looks cannot end by itself at the second one, so that only the watcher can have ended it."""
    with started(NEVER_LOOKS, grace=600) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=ENDS_WITHIN_SECONDS)
    assert process.returncode in (130, 143), said  # whichever the system hands over first
    assert out == "cleared\n"


def test_what_is_published_stays_and_is_said():
    with started(PUBLISHES) as process:
        _, said = process.communicate(timeout=ENDS_WITHIN_SECONDS)
    assert process.returncode == 143
    assert said == "overbuild: stopped by SIGTERM; run 1 had been published before.\n"


def test_a_signal_that_is_ignored_for_us_stays_ignored():
    """`nohup overbuild run &` goes on when its terminal goes away."""
    with started(
        'print("ready", flush=True); time.sleep(0.5)', ignores="signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ) as process:
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=ENDS_WITHIN_SECONDS)
    assert process.returncode == 0


def test_handlers_are_given_back():
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    with stopping.by_signals():
        assert signal.getsignal(signal.SIGTERM) is not before[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in stopping.SIGNALS} == before
    assert signal.set_wakeup_fd(-1) == -1
