"""Which sources a run asks. The panel comes first: it says which companies the other sources look at."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.errors import UsageError
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Feed, Source

FEEDS: tuple[Feed, ...] = ("prices", "capex", "gpu", "training")


def chosen(kind: str, only: Sequence[str]) -> list[Source]:
    """The sources of a kind (reference or live), limited to some feeds or sources; the panel before all others.

    The panel (companies, their roles, the claims) is the project's own and packaged, for live runs too.
    Raises UsageError for a feed that does not exist.
    """
    of_kind = [s for s in all_sources() if s.kind == kind and s.feed != "panel"]
    unknown = [name for name in only if name not in FEEDS and name not in names_of(kind)]
    if unknown:
        live = [name for name in unknown if name in names_of("live")]
        hint = f" With --source live it may be {', '.join(live)}." if live else ""
        raise UsageError(
            f"--only {','.join(unknown)}: there is no such feed; choose from {', '.join(FEEDS)}, or a {kind} source "
            f"({', '.join(names_of(kind))}).{hint}"
        )
    wanted = [s for s in of_kind if not only or s.feed in only or s.name in only]
    return [*(s for s in all_sources() if s.feed == "panel"), *wanted]


def names_of(kind: str) -> list[str]:
    """The sources of a kind (reference or live) that a run may be limited to, by name."""
    return [source.name for source in all_sources() if source.kind == kind and source.feed != "panel"]


def require_one_ready(sources: Sequence[Source], settings: Settings) -> None:
    """Raises UsageError with the reason of each live source where these settings allow none of them to be asked."""
    live = [s for s in sources if s.kind == "live"]
    reasons = {s.name: s.not_ready(settings) for s in live}
    if live and settings.network == "on" and all(reasons.values()):
        raise UsageError("\n".join(f"--source live: {name}: {why}" for name, why in reasons.items()))
