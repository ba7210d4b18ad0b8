"""Ways to corrupt the snapshot's file of `ai_models`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, again, each, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "a model published after its list",
        "ai_models",
        "published_by_its_vintage",
        "quarantined",
        rows=put({"published": "2026-12-01"}, vintage="2026-08-19"),
        names=("published", *LINE),
    ),
    Kind(
        "a model's operations off by a thousand",
        "ai_models",
        "flop_as_in_other_lists",
        "quarantined",
        rows=put({"training_flop": times(1e3)}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("training_flop", *LINE),
    ),
    Kind(
        "half a list of models",
        "ai_models",
        "list_does_not_shrink",
        "warning",
        rows=lambda rows: [r for n, r in enumerate(rows) if r["vintage"] != "2026-08-19" or n % 2],
        names=("2026-08-19",),
    ),
    Kind(
        "a model's operations off by ten",
        "ai_models",
        "flop_unlike_other_lists",
        "warning",
        rows=put({"training_flop": times(10)}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("DeepSeek-V3", *LINE),
    ),
    Kind(
        "a whole list off by ten",
        "ai_models",
        "list_on_the_scale_of_others",
        "critical",
        rows=each({"training_flop": times(10)}, vintage="2026-08-19"),
        names=("times_the_others", "2026-08-19", *LINE),
    ),
    Kind(
        "a model published ten years before",
        "ai_models",
        "published_as_in_other_lists",
        "warning",
        rows=put({"published": "2014-12-24"}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("usual_published", *LINE),
    ),
    Kind(
        "a model under two spellings",
        "ai_models",
        "duplicate_model",
        "warning",
        rows=again({"model": "deepseek-v3"}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("deepseek-v3", *LINE),
    ),
)
