"""Kills `overbuild serve` at random moments, with its Prefect server and a run of its under way, and looks for orphans.

    python -m torture.serve [--seconds 300]

The service starts as people start it, in processes of its own, on a home that has missed a time of a schedule, so it starts
a run at once. It is killed alone, as the system does it that is short of memory. Everything that it started must end
within half a minute: the server, and the run, which publishes nothing half. At the end it is let through: it takes up where it was
killed, publishes, and stops with nothing left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

import psutil

from tests.runs import few_draws
from torture import _small as small
from torture import results
from torture._points import in_child
from torture._scenes import paths_in, require_no_litter
from warehouse import files
from warehouse.paths import Paths, create_folders

COMMAND = [sys.executable, "-m", "warehouse.cli", "serve"]
MARK = "TORTURE_MARK"
STARTS_WITHIN_SECONDS = 300.0
ENDS_WITHIN_SECONDS = 30.0
PUBLISHES_WITHIN_SECONDS = 600.0
LONGEST_SECONDS = 20.0
"""How long after its start a service is killed at the latest."""
LEAST_KILLS = 2


class Service:
    """`overbuild serve` with a mark in its environment, which all that it starts has, too."""

    def __init__(self, folder: Path, host: small.Host) -> None:
        from warehouse.sources import all_sources

        self.folder, self.mark, self.paths = folder, uuid.uuid4().hex, paths_in(folder)
        clean = {n: v for n, v in os.environ.items() if not n.startswith(("OVERBUILD_", "PREFECT_"))}
        hosts = {one.host_setting: host.url for one in all_sources() if one.host_setting}
        self.environment = clean | hosts | small.KEYS | {
            MARK: self.mark,
            "OVERBUILD_HOME": str(self.paths.root),
            "OVERBUILD_ASSUMPTIONS": str(few_draws(folder)),
            "PREFECT_HOME": str(folder / "prefect"),
            "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))),
        }  # fmt: skip
        self.log = folder / "said"

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as output:
            return subprocess.Popen(
                COMMAND, cwd=self.folder, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def living(self) -> list[str]:
        """Every process that has the mark, whoever is its parent now."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid}: {' '.join(process.cmdline())[:120]}")
        return found

    def kill(self) -> None:
        """End all of it at once."""
        for said in self.living():
            with suppress(ProcessLookupError):
                os.kill(int(said.partition(":")[0]), signal.SIGKILL)

    def ended(self, within_seconds: float) -> list[str]:
        """What still lives after so long."""
        until = time.monotonic() + within_seconds
        while (left := self.living()) and time.monotonic() < until:
            time.sleep(0.5)
        return left


def lives(pid: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def waits_for(true: object, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether something comes true before a process ends, or so many seconds have passed.

    Whoever was forked after the process started may ask, too. Its parent alone can wait for it: `poll` says in any other
    that it has ended.
    """
    until = time.monotonic() + seconds
    while not true() and lives(process.pid) and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.2)
    return bool(true())  # type: ignore[operator]


def killed(service: Service) -> str | None:
    """Kill the service once; gives what was found."""
    process = service.start()
    waits_for(lambda: b"starts a Prefect server" in service.log.read_bytes(), process, STARTS_WITHIN_SECONDS)
    with suppress(subprocess.TimeoutExpired):
        process.wait(random.uniform(0, LONGEST_SECONDS))
        return f"it ended by itself: {service.log.read_text()[-500:]}"
    process.kill()
    process.wait()
    if left := service.ended(ENDS_WITHIN_SECONDS):
        return f"processes are left: {left}"
    return None


def let_through(service: Service) -> str | None:
    """Let the service publish, and stop it; gives what was found."""
    process = service.start()
    if not waits_for(lambda: service.paths.current.is_symlink(), process, PUBLISHES_WITHIN_SECONDS):
        process.kill()
        return f"nothing was published: {service.log.read_text()[-500:]}"
    return stopped(service, process)


def stopped(service: Service, process: subprocess.Popen[bytes]) -> str | None:
    """Stop the service as people do; gives what was found then."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(90)
    if code:
        return f"it ended with {code}: {service.log.read_text()[-500:]}"
    if left := service.ended(ENDS_WITHIN_SECONDS):
        return f"processes are left: {left}"
    looked = in_child(lambda: _whole(service.paths))
    return looked.said if looked.code else None


def _whole(paths: Paths) -> None:
    from warehouse.database import recovery, seals

    recovery.require(paths)
    assert not list(seals.damages(paths.current.resolve()))
    create_folders(paths)  # as the next run does, it removes what killed ones left
    require_no_litter(paths)


def main(seconds: float) -> int:
    """Kill the service for so long, and let it through at the end; gives how many faults were found."""
    folder, began, tried = Path(tempfile.mkdtemp(prefix="torture-")), time.monotonic(), 0
    host, found = small.Host(folder), list[str]()
    service = Service(folder, host)
    try:
        small.never_served(service.paths)
        while tried < LEAST_KILLS or time.monotonic() < began + seconds / 2:
            tried += 1
            found += filter(None, [killed(service)])
        found += filter(None, [let_through(service)])
        for each in found:
            print(f"FAULT {each}", flush=True)
        results.record(
            "serve", "SIGKILL of the service, its server and a run under way", tried=tried,
            survived=tried - min(tried, len(found)), faults_found=len(found), seconds=time.monotonic() - began,
        )  # fmt: skip
        return len(found)
    finally:
        service.kill()
        host.close()
        files.remove_folder(folder)


if __name__ == "__main__":
    sys.exit(results.run(main, 300.0))
