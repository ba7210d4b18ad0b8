"""Every claim of the article that started this, to be checked one by one.

Curated claims carry what was found with its citation; computed ones are found out in `marts.claim_check`.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

FINDING_MEANINGS = {
    "confirmed": "what was found is what is claimed",
    "approximately_right": "near enough that nothing follows from the difference",
    "right_but_misleading": "true as said, and a reader takes away what is not",
    "wrong": "what was found is another thing",
    "cannot_check": "no fact that is known decides it",
}
FINDINGS = tuple(FINDING_MEANINGS)
CHECK_KINDS = {
    "computed": "by the figures of a mart",
    "curated": "by a person, with the reason written down",
    "uncheckable": "by nothing that is public",
}

TABLE = core(
    "article_claims",
    "claims of the article, with what is claimed and how it can be checked",
    [
        Column("claim_id", "text", "identifier of the claim", required=True),
        Column("statement", "text", "the claim in a sentence", required=True),
        Column("speaker", "text", "who says it", required=True),
        Column("statement_date", "date", "day it was said", required=True),
        Column("event_date", "date", "day it is about"),
        Column("quantity", "text", "what would be measured", required=True),
        Column("unit", "text", "unit of that", required=True),
        Column("value_claimed", "text", "value claimed, a number or a word; null where none"),
        Column("check_kind", "text", "how it can be checked", required=True, allowed=CHECK_KINDS),
        Column("curated_finding", "text", "finding of a claim that no figure decides", allowed=FINDING_MEANINGS),
        Column("curated_reason", "text", "why, in a sentence"),
        Column("curated_right", "text", "what is right instead, in a sentence; given where the finding is wrong"),
    ],
    promise=Promise(RESEARCH, ON_CALL, 366, "days", "newest_fact"),
    key=("claim_id",),
    identity=("claim_id", "known_on"),
    checks=(
        Check(
            "curated_says_what_was_found",
            "check_kind = 'curated' and (curated_finding is null or coalesce(curated_reason, '') = '')",
            "a claim that no figure decides needs its finding and a sentence why",
            quarantines=True,
            columns=("curated_finding", "curated_reason"),
        ),
        Check(
            "curated_wrong_says_what_is_right",
            "curated_finding = 'wrong' and coalesce(curated_right, '') = ''",
            "a reader who learns only that a claim is wrong has learnt half",
            quarantines=True,
            columns=("curated_finding", "curated_right"),
        ),
        Check(
            "one_statement_one_grade",
            """
            select c.claim_id, c.value_claimed, c.unit, c.grade, e.evidence_id, e.grade as grade_in_evidence,
              c.document_sha256, c.locator
            from {table} c join core.evidence e on e.unit = c.unit
              and try_cast(c.value_claimed as double) between coalesce(e.value_low, e.value) and coalesce(e.value_high, e.value)
              and (contains(lower(c.statement), lower(e.entity)) or contains(lower(c.speaker), lower(e.entity)))
              and abs(e.as_of_date - c.statement_date) <= 31
            where c.grade <> e.grade
            """,
            "hearsay that is graded better in another table enters an answer through it: one statement has one grade, wherever "
            "it is held",
            severity="warning",
            columns=("grade",),
        ),
        Check(
            "known_once_said",
            "known_on < statement_date",
            "a claim cannot be public before it was made",
            quarantines=True,
            columns=("known_on", "statement_date"),
        ),
    ),
    guide=Guide(
        "One row for each claim of the article.",
        "",
        {
            "What does the article claim?": "select claim_id, speaker, statement from article_claims order by claim_id",
            "How can each claim be checked?": "select check_kind, count(*) as claims from article_claims group by all",
            "What does Gavin Baker say?": "select claim_id, statement, value_claimed, unit from article_claims where "
            "speaker like 'Gavin Baker%'",
        },
    ),
)
