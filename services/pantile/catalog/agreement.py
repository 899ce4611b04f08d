"""What two readings of a study say of the same outputs, and where they differ."""

from dataclasses import dataclass

from pantile.catalog.database import Connection, Row
from pantile.catalog.study_members import find_member
from pantile.domain.rois import TissueType
from pantile.domain.studies import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Whose readings are compared: two members by name, one and the same for their repeats, or first and second."""

    first: str | None = None
    second: str | None = None


# Two readings that are done, and each output of theirs. Without names, whatever was assigned as primary against what
# was assigned as second; with one name twice, that rater's first round against their repeats.
_READINGS = """
    FROM assignments fa
    JOIN assignments sa ON sa.study_id = fa.study_id AND sa.roi_id = fa.roi_id AND sa.id <> fa.id
    JOIN outputs o ON o.study_id = fa.study_id AND o.roi_id = fa.roi_id AND o.job_id IS NOT NULL
    JOIN rois r ON r.id = o.roi_id JOIN cohorts c ON c.id = r.cohort_id
    LEFT JOIN scores f ON f.assignment_id = fa.id AND f.output_id = o.id
    LEFT JOIN scores s ON s.assignment_id = sa.id AND s.output_id = o.id
"""
_COMPARED = """
    WHERE fa.study_id = %(study_id)s AND fa.state = 'done' AND sa.state = 'done'
      AND fa.purpose <> 'calibration' AND sa.purpose <> 'calibration'
      AND (%(tissue_type)s::text IS NULL OR r.tissue_type = %(tissue_type)s)
      AND CASE
          WHEN %(first)s::bigint IS NULL THEN
              fa.purpose = 'primary' AND sa.purpose = 'second' AND fa.account_id <> sa.account_id
              AND (%(second)s::bigint IS NULL OR sa.account_id = %(second)s)
          WHEN %(first)s = %(second)s THEN
              fa.account_id = %(first)s AND sa.account_id = %(first)s AND fa.round = 1 AND sa.round > 1
          ELSE fa.account_id = %(first)s AND fa.round = 1 AND sa.round = 1
              AND CASE WHEN %(second)s::bigint IS NULL THEN sa.purpose = 'second' AND sa.account_id <> %(first)s
                       ELSE sa.account_id = %(second)s END
      END
"""


def list_pairs(
    connection: Connection, study: Study, readers: Readers, *, tissue_type: TissueType | None = None
) -> list[Row]:
    """Each output that two readings saw, by its segmenter's number and cohort, with both scores (None: unscored).

    Raises:
        MemberNotFound: one of the readers is not in the study.
    """
    return connection.execute(
        f"""
        SELECT o.number, c.name AS cohort, f.value AS first, s.value AS second {_READINGS} {_COMPARED}
        ORDER BY o.id, fa.id, sa.id
        """,
        _values(connection, study, readers, tissue_type),
    ).fetchall()


def _values(
    connection: Connection, study: Study, readers: Readers, tissue_type: TissueType | None
) -> dict[str, object]:
    first, second = (
        find_member(connection, study.id, name).account_id if name else None for name in (readers.first, readers.second)
    )
    return {"study_id": study.id, "first": first, "second": second, "tissue_type": tissue_type}


_NAMED = """
    JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
    JOIN segmenters g ON g.id = ss.segmenter_id
    LEFT JOIN adjudications d ON d.output_id = o.id
"""


def list_disagreements(
    connection: Connection,
    study: Study,
    readers: Readers,
    *,
    min_delta: int = 3,
    after: tuple[int, int] | None = None,
    limit: int = 100,
) -> list[Row]:
    """Outputs whose scores differ by so much or more, the largest difference first, from the one after (delta, id)."""
    return connection.execute(
        f"""
        SELECT * FROM (
            SELECT DISTINCT ON (abs(f.value - s.value), o.id) o.id, o.key AS output, o.number,
                   g.card->>'title' AS segmenter, r.name AS roi, c.name AS cohort, r.tissue_type, f.value AS first,
                   s.value AS second, abs(f.value - s.value) AS delta, f.comment AS first_comment,
                   s.comment AS second_comment, fa.key AS first_case, sa.key AS second_case, d.key AS adjudication,
                   d.state AS adjudication_state, d.value AS consensus
            {_READINGS} {_NAMED} {_COMPARED} AND abs(f.value - s.value) >= %(min_delta)s
            ORDER BY abs(f.value - s.value) DESC, o.id, fa.id, sa.id
        ) found
        WHERE %(delta)s::int IS NULL OR (-delta, id) > (-%(delta)s::int, %(id)s::bigint)
        ORDER BY delta DESC, id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {
            **_values(connection, study, readers, None),
            "min_delta": min_delta,
            "delta": after[0] if after else None,
            "id": after[1] if after else None,
            "limit": limit,
        },
    ).fetchall()
