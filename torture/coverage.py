"""Documents spoiled by what the parsers have not yet done with them: Atheris keeps each input that reaches new code.

    python -m torture.coverage [--seconds 60]

It needs Atheris, which is outside of the lock (`pip install --group fuzz`), and says so where it is not there. Seeds are
those of tests/sources/mutations.py, and the small corpus of torture/corpus. All inputs that reach new code are kept between
runs in build/corpus; `python -m torture._corpus` picks of them the few that the repository keeps.
"""

from __future__ import annotations

import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time

from torture import results

ATTACK = """
# Sources are imported when they are asked for: what is not asked for within the block, Atheris cannot see.
import sys
import atheris
with atheris.instrument_imports(include=["warehouse.sources"]):
    from warehouse.sources import all_sources
    all_sources()
from tests.sources.mutations import SEEDS, outcome
name = sys.argv.pop(1)
seed = next(seed for seed in SEEDS if seed.name == name)
tried = 0
def one(body):
    global tried
    tried += 1
    outcome(seed, body)
atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


def main(seconds: float) -> int:
    if importlib.util.find_spec("atheris") is None:
        print("coverage: not run, Atheris is not installed (pip install --group fuzz)")
        return 0
    from tests.sources.mutations import SEEDS
    from torture import _corpus as corpus

    found = 0
    for seed in random.sample(SEEDS, len(SEEDS)):
        began, kept = time.monotonic(), corpus.FOUND / seed.name
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "seed").write_bytes(seed.body)
        limit = max(1, round(seconds / len(SEEDS)))
        with tempfile.TemporaryDirectory() as crashes:
            done = subprocess.run(
                [sys.executable, "-c", ATTACK, seed.name, str(kept), *corpus.folders(seed),
                 f"-max_total_time={limit}", "-rss_limit_mb=4000", f"-artifact_prefix={crashes}/", "-max_len=60000",
                 "-print_final_stats=1"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        counted = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stdout + done.stderr)
        tried = int(counted[-1]) if counted else 0
        faults = int(done.returncode != 0)
        if faults:
            print(f"FAULT {seed.name}: {(done.stdout + done.stderr)[-1500:]}", flush=True)
        results.record(
            "coverage", f"inputs that reach new code of {seed.name}", tried=tried, survived=max(0, tried - faults),
            faults_found=faults, seconds=time.monotonic() - began,
        )  # fmt: skip
        found += faults
    return found


if __name__ == "__main__":
    results.run(main)
