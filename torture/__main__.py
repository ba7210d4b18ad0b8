"""Every harness of this folder in turn: python -m torture [--seconds 60] [NAME ...]."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

NO_HARNESS = ("results.py",)


def harnesses() -> list[str]:
    """Names of the modules of this folder that attack something."""
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return [file.stem for file in files if file.name not in NO_HARNESS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m torture")
    parser.add_argument("names", nargs="*", help="which harnesses; all where none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each may take, roughly")
    given = parser.parse_args()
    failed = []
    for name in given.names or harnesses():
        print(f"\n## {name}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", f"torture.{name}", "--seconds", str(given.seconds)], check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"\nFaults were found by: {', '.join(failed)}", file=sys.stderr)
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main())
