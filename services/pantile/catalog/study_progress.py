"""How far a study is: rater by rater, day by day, and how many outputs are scored of each segmenter and cohort."""

from dataclasses import dataclass

from pantile.catalog.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgress:
    """Rows by rater and purpose, by rater and day, by cohort and segmenter, and of what is left to be scored."""

    raters: list[Row]
    days: list[Row]
    coverage: list[Row]
    left: list[Row]


def measure_progress(connection: Connection, study_id: int) -> StudyProgress:
    """How far a study is; it takes four statements, however large the study."""
    return StudyProgress(
        raters=_by_rater(connection, study_id),
        days=_by_day(connection, study_id),
        coverage=_coverage(connection, study_id),
        left=_left(connection, study_id),
    )


def _by_rater(connection: Connection, study_id: int) -> list[Row]:
    return connection.execute(
        """
        SELECT c.name AS account, a.purpose, count(*) FILTER (WHERE a.state <> 'withdrawn') AS assigned,
               count(*) FILTER (WHERE a.state = 'done') AS done,
               count(*) FILTER (WHERE a.state = 'withdrawn') AS withdrawn,
               count(*) FILTER (WHERE a.state = 'skipped') AS skipped, count(*) FILTER (WHERE a.state = 'open') AS open,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY a.active_ms / 1000.0)
                   FILTER (WHERE a.state = 'done' AND a.active_ms > 0) AS median_s,
               coalesce(sum(f.flags), 0)::bigint AS flags, max(a.completed_at) AS last_done_at
        FROM assignments a JOIN accounts c ON c.id = a.account_id
        LEFT JOIN (SELECT assignment_id, count(*) AS flags FROM flags GROUP BY assignment_id) f
            ON f.assignment_id = a.id
        WHERE a.study_id = %s AND a.state <> 'void' GROUP BY c.name, a.purpose ORDER BY c.name, a.purpose
        """,
        [study_id],
    ).fetchall()


def _by_day(connection: Connection, study_id: int) -> list[Row]:
    return connection.execute(
        """
        SELECT c.name AS account, (a.completed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS done,
               avg(s.mean)::float AS mean_score
        FROM assignments a JOIN accounts c ON c.id = a.account_id
        LEFT JOIN LATERAL (SELECT avg(value) AS mean FROM scores WHERE assignment_id = a.id) s ON true
        WHERE a.study_id = %s AND a.state = 'done' GROUP BY c.name, day ORDER BY c.name, day
        """,
        [study_id],
    ).fetchall()


def _coverage(connection: Connection, study_id: int) -> list[Row]:
    return connection.execute(
        """
        SELECT c.name AS cohort, o.number, g.card->>'title' AS segmenter, count(o.job_id) AS outputs,
               count(*) - count(o.job_id) AS missing, count(*) FILTER (WHERE read.raters >= 1) AS scored,
               count(*) FILTER (WHERE read.raters >= 2) AS scored_twice
        FROM outputs o JOIN rois r ON r.id = o.roi_id JOIN cohorts c ON c.id = r.cohort_id
        JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
        JOIN segmenters g ON g.id = ss.segmenter_id
        LEFT JOIN (
            SELECT s.output_id, count(DISTINCT a.account_id) AS raters
            FROM scores s JOIN assignments a ON a.id = s.assignment_id
            WHERE a.study_id = %(study_id)s AND a.state = 'done' AND a.purpose <> 'calibration' AND s.is_complete
            GROUP BY s.output_id
        ) read ON read.output_id = o.id
        WHERE o.study_id = %(study_id)s AND r.state <> 'withdrawn'
        GROUP BY c.name, o.number, g.id ORDER BY c.name, o.number
        """,
        {"study_id": study_id},
    ).fetchall()


def _left(connection: Connection, study_id: int) -> list[Row]:
    """Of each cohort, the ROIs that nobody has for a first reading (account None), then what raters have not done."""
    return connection.execute(
        """
        SELECT c.name AS cohort, NULL AS account, 'primary' AS purpose, count(*) AS rois, 0 AS done, count(*) AS "left"
        FROM study_rois sr JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id
        WHERE sr.study_id = %(study_id)s AND NOT sr.is_calibration AND NOT EXISTS (
            SELECT FROM assignments a WHERE a.study_id = sr.study_id AND a.roi_id = sr.roi_id
              AND a.purpose = 'primary' AND a.state <> 'void')
        GROUP BY c.name
        UNION ALL
        SELECT c.name, n.name, a.purpose, count(*), count(*) FILTER (WHERE a.state = 'done'),
               count(*) FILTER (WHERE a.state <> 'done')
        FROM assignments a JOIN accounts n ON n.id = a.account_id JOIN rois r ON r.id = a.roi_id
        JOIN cohorts c ON c.id = r.cohort_id
        WHERE a.study_id = %(study_id)s AND a.state <> 'void' AND a.purpose <> 'calibration'
        GROUP BY c.name, n.name, a.purpose HAVING count(*) FILTER (WHERE a.state <> 'done') > 0
        ORDER BY cohort, account NULLS FIRST, purpose
        """,
        {"study_id": study_id},
    ).fetchall()
