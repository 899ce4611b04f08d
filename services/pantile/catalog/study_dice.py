"""A study's outputs against ground truth: each with its evaluation and, where it was scored first, with its score."""

from pantile.catalog.database import Connection, Row
from pantile.catalog.exports import roi_columns
from pantile.domain.dice import DiceProtocol


def list_study_dice(
    connection: Connection, study_id: int, protocol: DiceProtocol, *, is_detailed: bool = True
) -> list[Row]:
    """The outputs that are evaluated, by ROI and segmenter's number, each with its figures under one protocol.

    An evaluation is of the very class map that the study pinned, whatever a segmenter made of the ROI since. The ROI is
    called as in the study's CSV (`roi`). The score is that of the first reading that is done, None where there is none.
    Unless detailed, the figures by class and the confusion are left out.
    """
    rows = connection.execute(
        f"""
        WITH placed AS MATERIALIZED (
            SELECT r.id AS roi_id, c.name AS cohort, r.case_id, r.slide, r.roi_number, r.tissue_type, r.source, r.mpp,
                   sr.file_columns,
                   row_number() OVER (ORDER BY c.name, r.slide, r.roi_number, r.tissue_type DESC, r.id) AS place
            FROM study_rois sr JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id
            WHERE sr.study_id = %(study_id)s AND NOT sr.is_calibration
        )
        SELECT placed.*, o.number, s.name AS segmenter, first.value AS score, v.protocol, v.remap_origin, v.overall
               {", v.classes, v.confusion, v.known_pixels" if is_detailed else ""}
        FROM outputs o
        JOIN placed ON placed.roi_id = o.roi_id
        JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
        JOIN segmenters s ON s.id = ss.segmenter_id
        JOIN evaluations v ON v.roi_id = o.roi_id AND v.job_id = o.job_id AND v.protocol = %(protocol)s
        LEFT JOIN (
            SELECT DISTINCT ON (a.roi_id) a.roi_id, a.id FROM assignments a
            WHERE a.study_id = %(study_id)s AND a.state = 'done' AND a.round = 1 AND a.purpose = 'primary'
            ORDER BY a.roi_id, a.id
        ) reading ON reading.roi_id = o.roi_id
        LEFT JOIN scores first ON first.assignment_id = reading.id AND first.output_id = o.id
        WHERE o.study_id = %(study_id)s
        ORDER BY placed.place, o.number
        """,  # noqa: S608 — of constants
        {"study_id": study_id, "protocol": protocol},
    )
    found, names = rows.fetchall(), dict[int, str]()
    for row in found:
        if row["roi_id"] not in names:
            names[row["roi_id"]] = roi_columns(row).base
    return [{**row, "roi": names[row["roi_id"]]} for row in found]
