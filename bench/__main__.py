"""Every benchmark at a reduced size (`make bench`), or at full size with --full (`make bench-full`); or the ones named.

    python -m bench [--full] [NAME ...]

Each runs in a process of its own. One that fails, because results differ or a program breaks, does not stop the others;
the exit code is 1 then. The lines are kept in results.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from bench.lines import HEADER

SIZES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "queries": ((), ()),
    "bars": (("360,000",), ("50,000,000",)),
    "filings": (("20",), ("500",)),
    "offers": (("1,000,000",), ("20,000,000",)),
    "event_study": ((), ()),
    "simulation": ((), ()),
    "increments": (("1",), ("1", "10")),
    "checks": (("1,000,000", "200,000"), ("10,000,000", "1,000,000")),
    "aws_stream": (("20", "60"), ("50", "200")),
    "unchanged": ((), ()),
    "run": ((), ()),
    "lake": (("1000",), ("20000",)),
    "workers": (("24",), ("2000",)),
    "orchestration": ((), ()),
    "site": ((), ()),
    "method_versions": ((), ()),
}
"""Arguments of each benchmark at the reduced and at the full size."""


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("names", nargs="*", choices=[*SIZES, []], metavar="NAME", help=", ".join(SIZES))
    asked.add_argument("--full", action="store_true", help="at full size, which takes hours")
    given = asked.parse_args()
    failed, began = [], time.perf_counter()
    for name in given.names or SIZES:
        print(f"\n## {name}\n\n{HEADER}", flush=True)
        size = "full" if given.full else "reduced"
        command = [sys.executable, "-m", f"bench.{name}", *SIZES[name][given.full]]
        if subprocess.run(command, env={**os.environ, "OVERBUILD_BENCH_SIZE": size}, check=False).returncode:
            failed.append(name)
    print(f"\n{(time.perf_counter() - began) / 60:.0f} minutes." + (f" Failed: {', '.join(failed)}." if failed else ""))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
