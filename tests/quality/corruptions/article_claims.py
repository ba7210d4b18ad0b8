"""Ways to corrupt the snapshot's file of `article_claims`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, put

KINDS: tuple[Kind, ...] = (
    Kind(
        "a curated claim without its finding",
        "article_claims",
        "curated_says_what_was_found",
        "refused",
        rows=put({"curated_finding": ""}, check_kind="curated"),
        names=("curated_finding",),
    ),
    Kind(
        "a curated claim that is wrong, without what is right",
        "article_claims",
        "curated_wrong_says_what_is_right",
        "refused",
        rows=put({"curated_right": ""}, curated_finding="wrong"),
        names=("curated_right",),
    ),
    Kind(
        "hearsay that is graded better as a claim than in evidence",
        "article_claims",
        "one_statement_one_grade",
        "warning",
        rows=put({"grade": "C"}, claim_id="SC28"),
        names=("claim_id=SC28", "grade_in_evidence=D", *LINE),
    ),
    Kind(
        "a speaker's judgement in round numbers that is graded better as a claim than in evidence",
        "article_claims",
        "one_statement_one_grade",
        "warning",
        rows=put({"grade": "A"}, claim_id="SC34"),
        names=("claim_id=SC34", "grade_in_evidence=D", *LINE),
    ),
)
