"""A run where nothing changed against a run where everything did: processor seconds after start-up.

    python -m bench.unchanged

One process, with Prefect's temporary server running and the libraries imported, so that only the runs themselves are
counted. The first run loads, checks and computes everything from the packaged snapshot; the others find nothing new,
publish its marts and findings again, and say so. Ours alone: there is no other program to hold it against.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any

from bench.lines import report

TARGET = 0.1
AGAIN = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"OVERBUILD_HOME": f"{folder}/home", "PREFECT_HOME": f"{folder}/prefect"}
        from flows.environment import prepare

        prepare()
        from prefect.testing.utilities import prefect_test_harness

        from flows.answer import answer
        from warehouse.quality import data_docs  # noqa: F401  (and with it Great Expectations)

        def spent() -> tuple[float, float, dict[str, Any]]:
            cpu, elapsed = time.process_time(), time.perf_counter()
            summary = answer()
            return time.process_time() - cpu, time.perf_counter() - elapsed, summary

        with prefect_test_harness(server_startup_timeout=120):
            everything = spent()
            nothing = [spent() for _ in range(AGAIN)]
    if {run[2]["unchanged_since"] for run in nothing} != {everything[2]["run_id"]}:
        sys.exit("a run that should have found nothing new did")
    what, against = "a run with nothing new, started up", f"one with {everything[2]['new_rows']:,} new rows"
    equal = "the answer is that of the first run"
    report(what, against, "CPU s", [cpu for cpu, _, _ in nothing], [everything[0]] * AGAIN, target=TARGET, equal=equal)
    report(what, against, "s", [took for _, took, _ in nothing], [everything[1]] * AGAIN, equal=equal)


if __name__ == "__main__":
    main()
