"""What a recommendation rests on: a cohort's scores and Dice of tumor ROIs, by patient."""

from pantile.catalog.database import Connection, Row
from pantile.domain.dice import DiceProtocol


def list_scored(connection: Connection, cohort_id: int) -> list[Row]:
    """Scores by case, ROI and segmenter: the consensus where one was signed, else the mean of the raters.

    Repeats and calibration take no part. Where several studies scored an ROI, each counts as a rater more.
    """
    return connection.execute(
        """
        SELECT r.case_id AS case, r.id AS roi, s.name AS segmenter,
               avg(coalesce(d.value, c.value))::double precision AS value
        FROM rois r
        JOIN outputs o ON o.roi_id = r.id
        JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
        JOIN segmenters s ON s.id = ss.segmenter_id
        JOIN scores c ON c.output_id = o.id AND c.value IS NOT NULL
        JOIN assignments a ON a.id = c.assignment_id AND a.purpose IN ('primary', 'second')
            AND a.state NOT IN ('void', 'withdrawn')
        LEFT JOIN adjudications d ON d.output_id = o.id AND d.state = 'signed'
        WHERE r.cohort_id = %s AND r.tissue_type = 'tumor'
        GROUP BY r.case_id, r.id, s.name ORDER BY r.id, s.name
        """,
        [cohort_id],
    ).fetchall()


def list_diced(connection: Connection, cohort_id: int, protocol: DiceProtocol) -> list[Row]:
    """Overall Dice under a protocol by case, ROI and segmenter, of its newest class map."""
    return connection.execute(
        """
        SELECT DISTINCT ON (r.id, s.name) r.case_id AS case, r.id AS roi, s.name AS segmenter, v.overall AS value,
               v.remap_origin
        FROM evaluations v JOIN rois r ON r.id = v.roi_id JOIN jobs j ON j.id = v.job_id
        JOIN segmenters s ON s.id = j.segmenter_id
        WHERE r.cohort_id = %s AND r.tissue_type = 'tumor' AND v.protocol = %s AND v.overall IS NOT NULL
        ORDER BY r.id, s.name, j.id DESC
        """,
        [cohort_id, protocol],
    ).fetchall()
