"""Build the documentation as a site, and give each page a content security policy.

    python tools/docs_site.py [--strict]

Nothing on these pages may come from elsewhere or be sent there. The theme brings scripts of its own, some of them within
the page. So each page names those by their hash, and no other script within a page runs. The theme's scripts write styles into
the page, so styles alone may stand within it. The theme would also fetch the library that draws diagrams from a public host.
So a diagram stands here as the text that it is made of.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SCRIPT = re.compile(r"<script(?P<given>(?:\s[^>]*)?)>(?P<text>.*?)</script>", re.DOTALL)
_HEAD = re.compile(r"<meta charset=[^>]*>")
POLICY = (
    "default-src 'none'; script-src 'self' file: {scripts}; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:; "
    "font-src 'self' file:; connect-src 'self' file:; worker-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
)


def policy(page: str) -> str:
    """The policy of a page: files of the site, and the scripts that stand in the page itself."""
    within = [
        found["text"]
        for found in _SCRIPT.finditer(page)
        if not re.search(r"\s(src=|type=.application/)", found["given"])
    ]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in dict.fromkeys(within)]
    return POLICY.format(scripts=" ".join(f"'sha256-{each}'" for each in hashes)).replace("  ", " ")


def guarded(page: str) -> str:
    """A page with its policy, which stands before anything that it is about, and with diagrams as text."""
    page = page.replace('<pre class="mermaid">', "<pre>")
    place = _HEAD.search(page)
    if place is None:
        raise ValueError("a page without the name of its alphabet")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(page)}">'
    return f"{page[: place.end()]}{meta}{page[place.end() :]}"


def guard(site: Path) -> int:
    """Give every page of a built site its policy; gives how many pages there are."""
    pages = sorted(site.rglob("*.html"))
    for path in pages:
        path.write_text(guarded(path.read_text(encoding="utf-8")), encoding="utf-8")
    return len(pages)


def build(root: Path, *options: str) -> int:
    """Build the site of a folder with a zensical.toml; gives the exit code."""
    built = subprocess.run([Path(sys.executable).with_name("zensical"), "build", *options], cwd=root, check=False)
    if built.returncode == 0:
        site = root / "build" / "docs"
        print(f"{site / 'index.html'}: {guard(site)} pages, each with its policy")
    return built.returncode


def main() -> int:
    return build(ROOT, *sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
