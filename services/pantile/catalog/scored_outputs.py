"""A study's outputs with what they were scored, whichever segmenter they are of: for plates and releases."""

from pantile.catalog.database import Connection, Row


def list_scored_outputs(connection: Connection, study_id: int) -> list[Row]:
    """Outputs that have a score, by ROI and segmenter's number.

    `value` is the consensus where one was signed, else the mean of the raters; repeats and calibration take no part.
    """
    return connection.execute(
        """
        SELECT c.name AS cohort, r.case_id AS "case", r.slide, r.id AS roi_id, r.name AS roi, r.roi_number,
               r.tissue_type, r.mpp, o.number, s.name AS segmenter, s.version AS segmenter_version, o.job_id,
               o.sha256 AS class_map_sha256, avg(coalesce(d.value, v.value))::double precision AS value,
               count(*) AS scores, d.value IS NOT NULL AS is_consensus
        FROM outputs o
        JOIN rois r ON r.id = o.roi_id
        JOIN cohorts c ON c.id = r.cohort_id
        JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
        JOIN segmenters s ON s.id = ss.segmenter_id
        JOIN scores v ON v.output_id = o.id AND v.value IS NOT NULL
        JOIN assignments a ON a.id = v.assignment_id AND a.purpose IN ('primary', 'second')
            AND a.state NOT IN ('void', 'withdrawn')
        LEFT JOIN adjudications d ON d.output_id = o.id AND d.state = 'signed'
        WHERE o.study_id = %s AND o.job_id IS NOT NULL
        GROUP BY c.id, r.id, o.id, s.id, d.value ORDER BY r.id, o.number
        """,
        [study_id],
    ).fetchall()
