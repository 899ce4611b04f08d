"""Answers to a study's questions with options, counted by segmenter."""

from pantile.catalog.database import Connection, Row
from pantile.domain.rois import TissueType


def count_answers(connection: Connection, study_id: int, *, tissue_type: TissueType | None = None) -> list[Row]:
    """How many outputs of each segmenter got an answer, by how many raters, with one of them as an example.

    Of several options that are chosen, each counts. Only readings that are done are taken, and no calibration.
    """
    return connection.execute(
        """
        SELECT q.number AS question, given.answer, o.number, g.card->>'title' AS segmenter,
               count(DISTINCT o.id) AS outputs, count(DISTINCT a.account_id) AS raters,
               (array_agg(o.key ORDER BY a.completed_at, o.id))[1] AS example,
               (array_agg(sr.key ORDER BY a.completed_at, o.id))[1] AS example_roi
        FROM assignments a
        JOIN scores s ON s.assignment_id = a.id
        JOIN study_questions q ON q.study_id = a.study_id AND q.kind IN ('choice', 'choices')
        CROSS JOIN LATERAL (
            SELECT jsonb_array_elements_text(
                CASE jsonb_typeof(s.answers->q.number::text)
                    WHEN 'array' THEN s.answers->q.number::text
                    WHEN 'string' THEN jsonb_build_array(s.answers->q.number::text) ELSE '[]' END) AS answer
        ) given
        JOIN outputs o ON o.id = s.output_id
        JOIN study_rois sr ON sr.study_id = o.study_id AND sr.roi_id = o.roi_id
        JOIN rois r ON r.id = o.roi_id
        JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
        JOIN segmenters g ON g.id = ss.segmenter_id
        WHERE a.study_id = %(study_id)s AND a.state = 'done' AND a.purpose <> 'calibration'
          AND (%(tissue_type)s::text IS NULL OR r.tissue_type = %(tissue_type)s)
        GROUP BY q.number, given.answer, o.number, g.id ORDER BY q.number, given.answer, o.number
        """,
        {"study_id": study_id, "tissue_type": tissue_type},
    ).fetchall()
