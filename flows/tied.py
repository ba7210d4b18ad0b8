"""A server that ends with the process that started it, however that ends.

Prefect starts its temporary server as a process of its own and ends it on the way out. A process that is killed has no way
out, and its server stayed for ever. So the server runs in here: standard input is a pipe whose other end only its parent
holds. The system closes that end with the parent, on every system, and whichever thread had started the server.

    python -m flows.tied MODULE ARGUMENTS...      runs `python -m MODULE ARGUMENTS...`
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from contextlib import suppress

GRACE_SECONDS = 1.0


def main() -> None:
    """Run a module as a program until it ends or standard input does."""
    threading.Thread(target=_end_with_parent, name="watching the parent", daemon=True).start()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    # The server is the leader of its group; helpers that it started go with it.
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(0, number) if os.getpgrp() == os.getpid() else os.kill(os.getpid(), number)
        time.sleep(GRACE_SECONDS)


if __name__ == "__main__":
    main()
