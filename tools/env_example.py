"""deploy/env.example: every setting with its meaning, made of docs/settings.md, so that it never goes stale.

    python tools/env_example.py            write it
    python tools/env_example.py --check    say whether it is as it should be; the exit code is 1 where it is not

A test holds docs/settings.md to the settings that the program has.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tools.pages import written  # noqa: E402

FILE = ROOT / "deploy" / "env.example"
HEAD = """\
# Settings of overbuild, all commented out: what stands after `=` is what holds without them. Written by tools/env_example.py.
# Copy this file to deploy/.env for compose.yaml, or to /etc/overbuild.env for systemd, and let root alone read it.
#
# A secret need not stand here: OVERBUILD_TIINGO_KEY_FILE=/run/secrets/tiingo_key reads it from that file, and so does
# OVERBUILD_..._FILE for every other setting. Prefect's secrets may stand in files in the same way (PREFECT_..._FILE) where
# deploy/with-secrets starts the command, as in the image.
"""
OF_COMPOSE = """\

# -- deploy/compose.yaml alone ------------------------------------------------------------------------------------------

# where a browser finds the Prefect server
#PREFECT_UI_API_URL=http://127.0.0.1:4200/api
# the names of a proxy before it, apart by blanks
#SERVER_NAMES=
# where the published site is served: address and port
#SITE_ADDRESS=127.0.0.1:8000
# the tag of the image
#OVERBUILD_VERSION=local
"""
SET_BY_IMAGE = ("OVERBUILD_HOME", "PREFECT_HOME", "PREFECT_API_URL")
"""What the image, compose.yaml or the unit sets."""


def page() -> str:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    parts = []
    for heading, body in re.findall(r"^(#+ [^\n]*)\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines() if line[:1] == "|"]
        entries = [entry for row in rows[2:] for entry in _entries(row)]
        if entries:
            parts.append(f"\n# -- {heading.lstrip('# ')} {'-' * (112 - len(heading))}\n\n" + "\n".join(entries) + "\n")
    return HEAD + "".join(parts) + OF_COMPOSE


def _entries(row: list[str]) -> list[str]:
    names = [name for cell in row for name in re.findall(r"`((?:OVERBUILD|PREFECT)_[A-Z_]+)`", cell)]
    said = [cell.replace("`", "") for cell in row if not re.match(r"`(?:OVERBUILD|PREFECT)_", cell)]
    default = said[1] if len(said) > 1 else ""
    value = default if re.fullmatch(r"[\w./-]+", default) and default != "none" else ""
    meaning = said[0] + (f" (without it: {default})" if default and not value and default != "none" else "")
    return [f"# {meaning}\n#{name}={value}" for name in names if name not in SET_BY_IMAGE]


if __name__ == "__main__":
    sys.exit(written({FILE: page()}, check="--check" in sys.argv))
