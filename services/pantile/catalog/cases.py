"""Cases: what a rater is shown of an assignment. Which segmenter is behind an output is read; others tell it or not.

A case takes two statements, however many ROIs the study has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pantile.catalog.database import Connection, Row
from pantile.catalog.readings import questions_from
from pantile.domain.errors import ReadingNotFound
from pantile.domain.questions import Question
from pantile.domain.rois import TissueType


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An assignment's row with its ROI, its neighbours and its standing; `asked` is what the study asks of it."""

    row: Row
    asked: tuple[Question, ...]

    @property
    def study(self) -> str:
        """The name of its study."""
        return str(self.row["study"])

    @property
    def account_id(self) -> int:
        """Whose it is."""
        return int(self.row["account_id"])


# An ROI of a study: what is shown of its image, and the groups of all the study's segmenters together, which tell none.
_ROI = """
    r.tissue_type, r.mpp, r.name AS roi, c.name AS cohort, i.width_px, i.height_px, sr.key AS roi_key,
    r.state = 'withdrawn' AS is_withdrawn,
    to_jsonb(p) AS pyramid,
    p.image_sha256 IS NULL AND EXISTS (
        SELECT 1 FROM rois twin JOIN chores h ON h.kind = 'pyramid' AND h.roi_id = twin.id
        WHERE twin.image_sha256 = r.image_sha256 AND h.state = 'failed') AS is_untileable,
    (SELECT array_agg(DISTINCT tissue->>'group') FROM study_segmenters ss JOIN segmenters g ON g.id = ss.segmenter_id
     CROSS JOIN jsonb_array_elements(g.card->'classes') tissue WHERE ss.study_id = sr.study_id) AS groups,
    (SELECT jsonb_agg(to_jsonb(q) ORDER BY q.number) FROM study_questions q WHERE q.study_id = sr.study_id) AS questions
"""
_OF_ROI = """
    JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id JOIN images i ON i.sha256 = r.image_sha256
    LEFT JOIN pyramids p ON p.image_sha256 = r.image_sha256
"""

_OWN = "o.study_id = a.study_id AND o.account_id = a.account_id AND o.state <> 'void'"

_CASE = f"""
    SELECT a.id, a.key, a.study_id, s.name AS study, a.account_id, a.roi_id, a.position, a.state, a.purpose, a.round,
           a.comment, a.pane_order, {_ROI},
           (SELECT jsonb_agg(jsonb_build_object('output', t.key, 'kind', f.kind, 'note', f.note) ORDER BY f.id)
            FROM flags f LEFT JOIN outputs t ON t.id = f.output_id WHERE f.assignment_id = a.id) AS flags,
           counts.assigned, counts.done,
           (SELECT o.key FROM assignments o WHERE {_OWN} AND o.position > a.position ORDER BY o.position LIMIT 1)
               AS next,
           (SELECT o.key FROM assignments o WHERE {_OWN} AND o.position < a.position ORDER BY o.position DESC LIMIT 1)
               AS previous,
           (SELECT jsonb_object_agg(same.tissue_type, same.key) FROM (
                SELECT DISTINCT ON (t.tissue_type) t.tissue_type, o.key
                FROM rois t JOIN assignments o ON o.roi_id = t.id AND {_OWN}
                WHERE t.cohort_id = r.cohort_id AND t.slide = r.slide
                ORDER BY t.tissue_type, o.id <> a.id, o.round <> a.round, t.roi_number <> r.roi_number, t.roi_number,
                         o.id
            ) same) AS sample
    FROM assignments a JOIN studies s ON s.id = a.study_id
    JOIN study_rois sr ON sr.study_id = a.study_id AND sr.roi_id = a.roi_id {_OF_ROI}
    CROSS JOIN LATERAL (
        SELECT count(*) AS assigned, count(*) FILTER (WHERE o.state = 'done') AS done FROM assignments o WHERE {_OWN}
    ) counts
    WHERE a.key = %s
"""  # noqa: S608 — joined from constants


def find_case(connection: Connection, key: UUID) -> Case:
    """The case of an assignment; raises `ReadingNotFound`."""
    row = connection.execute(_CASE, [key]).fetchone()
    if row is None:
        raise ReadingNotFound(str(key))
    return _case(row)


def _case(row: Row) -> Case:
    tissue_type = TissueType(row["tissue_type"])
    questions = questions_from(row["questions"] or [])
    return Case(row=row, asked=tuple(each for each in questions if each.is_asked_of(tissue_type)))


_OUTPUT = """
    o.key, o.roi_id, o.number, o.job_id IS NULL OR r.state = 'withdrawn' AS is_missing, m.width_px, m.height_px,
    m.extent_width_px, m.extent_height_px, g.card->>'title' AS segmenter
"""
_OF_OUTPUT = """
    JOIN rois r ON r.id = o.roi_id
    LEFT JOIN class_maps m ON m.job_id = o.job_id
    JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
    JOIN segmenters g ON g.id = ss.segmenter_id
"""


def list_panes(connection: Connection, case: Case) -> list[Row]:
    """The outputs of a case in the order of its panes, each with its score."""
    return connection.execute(
        f"""
        SELECT {_OUTPUT}, v.value, coalesce(v.answers, '{{}}') AS answers, coalesce(v.comment, '') AS comment,
               coalesce(v.version, 0) AS version
        FROM outputs o {_OF_OUTPUT}
        LEFT JOIN scores v ON v.output_id = o.id AND v.assignment_id = %(id)s
        WHERE o.study_id = %(study_id)s AND o.roi_id = %(roi_id)s AND o.number = ANY(%(pane_order)s)
        ORDER BY array_position(%(pane_order)s, o.number)
        """,  # noqa: S608 — joined from constants of this module
        {name: case.row[name] for name in ("id", "study_id", "roi_id", "pane_order")},
    ).fetchall()


# An expert's score is the signed consensus, or else that of an admin or adjudicator of the study.
_EXPERT = """
    coalesce(
        (SELECT d.value FROM adjudications d WHERE d.output_id = o.id AND d.state = 'signed'),
        (SELECT v.value FROM scores v JOIN assignments a ON a.id = v.assignment_id AND a.state = 'done'
         JOIN study_members e ON e.study_id = a.study_id AND e.account_id = a.account_id
         WHERE v.output_id = o.id AND e.role IN ('admin', 'adjudicator') AND a.account_id <> %(account_id)s
         ORDER BY v.updated_at DESC LIMIT 1)) AS value
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A calibration image of a study with its outputs and, where they may be shown, the scores that experts gave."""

    case: Case
    panes: tuple[Row, ...]


def list_examples(connection: Connection, study_id: int, *, account_id: int | None) -> list[Example]:
    """A study's calibration images; experts' scores are left out where the account has yet to score the image."""
    rows = connection.execute(
        f"""
        SELECT sr.roi_id, {_ROI}, EXISTS (
            SELECT 1 FROM assignments a WHERE a.study_id = sr.study_id AND a.roi_id = sr.roi_id
            AND a.account_id = %(account_id)s AND a.state IN ('pending', 'open')) AS is_awaited
        FROM study_rois sr {_OF_ROI}
        WHERE sr.study_id = %(study_id)s AND sr.is_calibration AND r.state <> 'withdrawn' ORDER BY sr.key
        """,  # noqa: S608 — joined from constants of this module
        {"study_id": study_id, "account_id": account_id},
    ).fetchall()
    panes = _list_expert_panes(connection, study_id, [row["roi_id"] for row in rows], account_id)
    awaited = {row["roi_id"] for row in rows if row["is_awaited"]}
    shown = [{**pane, "value": None} if pane["roi_id"] in awaited else pane for pane in panes]
    return [
        Example(case=_case(row), panes=tuple(pane for pane in shown if pane["roi_id"] == row["roi_id"])) for row in rows
    ]


def _list_expert_panes(
    connection: Connection, study_id: int, roi_ids: Sequence[int], account_id: int | None
) -> list[Row]:
    # By their keys, which are random: an order by number would show the segmenters in one order everywhere.
    return connection.execute(
        f"""
        SELECT {_OUTPUT}, {_EXPERT} FROM outputs o {_OF_OUTPUT}
        WHERE o.study_id = %(study_id)s AND o.roi_id = ANY(%(roi_ids)s) ORDER BY o.key
        """,  # noqa: S608 — joined from constants of this module
        {"study_id": study_id, "roi_ids": list(roi_ids), "account_id": account_id},
    ).fetchall()
