"""Outputs: the class maps that a study scores, taken from its cohorts' newest jobs and pinned by their digest."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.pyramids import ask_pyramids
from pantile.catalog.studies import lock_study
from pantile.domain.errors import StudyClosed
from pantile.domain.studies import Study, StudyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What pinning did: ROIs and outputs that are new to a study, outputs that got their class map, those without."""

    rois_added: int
    outputs_added: int
    outputs_filled: int
    outputs_missing: int

    def details(self) -> dict[str, int]:
        """For the audit log."""
        return {"rois_added": self.rois_added, "outputs_added": self.outputs_added, "filled": self.outputs_filled}


def refresh_study(connection: Connection, study: Study, *, actor: str) -> Pinned:
    """Adds the ROIs and class maps that came since; those that are pinned stay as they are. Audited.

    Raises:
        StudyClosed: the study is locked.
    """
    study = lock_study(connection, study)
    if study.state not in {StudyState.DRAFT, StudyState.PUBLISHED}:
        raise StudyClosed(f"it is {study.state}, and takes nothing new")
    pinned = pin_outputs(connection, study)
    subject = f"study {study.name}"
    record_action(connection, actor=actor, action="refresh", subject=subject, details=pinned.details())
    return pinned


# Of each of the study's segmenters the newest class map of each ROI; whole slides are not scored.
_NEWEST = """
    SELECT DISTINCT ON (cj.roi_id, ss.number) cj.roi_id, ss.number, j.id AS job_id, m.sha256
    FROM study_cohorts sc
    JOIN cohort_jobs cj ON cj.cohort_id = sc.cohort_id
    JOIN jobs j ON j.id = cj.job_id AND j.state = 'succeeded'
    JOIN study_segmenters ss ON ss.study_id = sc.study_id AND ss.segmenter_id = j.segmenter_id
    JOIN class_maps m ON m.job_id = j.id
    JOIN rois r ON r.id = cj.roi_id AND r.state = 'stored' AND r.tissue_type = ANY(%(tissue_types)s)
    WHERE sc.study_id = %(study_id)s AND r.roi_number > 0
    ORDER BY cj.roi_id, ss.number, j.id DESC
"""


def pin_outputs(connection: Connection, study: Study) -> Pinned:
    """Gives a study the ROIs and class maps that it lacks, and asks for the pyramids of the ROIs."""
    connection.execute(
        f"CREATE TEMP TABLE newest ON COMMIT DROP AS {_NEWEST}",
        {"study_id": study.id, "tissue_types": list(study.tissue_types)},
    )
    rois = connection.execute(
        """
        INSERT INTO study_rois (study_id, roi_id) SELECT DISTINCT %s::bigint, roi_id FROM newest
        ORDER BY roi_id ON CONFLICT DO NOTHING RETURNING roi_id
        """,
        [study.id],
    ).fetchall()
    # Made while nobody waits for them: a case that is opened without one keeps its rater waiting.
    ask_pyramids(connection, [row["roi_id"] for row in rois])
    outputs = connection.execute(
        """
        INSERT INTO outputs (study_id, roi_id, number)
        SELECT sr.study_id, sr.roi_id, ss.number FROM study_rois sr JOIN study_segmenters ss USING (study_id)
        WHERE sr.study_id = %s ORDER BY sr.roi_id, ss.number ON CONFLICT DO NOTHING
        """,
        [study.id],
    ).rowcount
    filled = connection.execute(
        """
        UPDATE outputs o SET job_id = n.job_id, sha256 = n.sha256 FROM newest n
        WHERE o.study_id = %s AND o.roi_id = n.roi_id AND o.number = n.number AND o.job_id IS NULL
        """,
        [study.id],
    ).rowcount
    connection.execute("DROP TABLE newest")
    missing = connection.execute(
        "SELECT count(*) AS outputs FROM outputs WHERE study_id = %s AND job_id IS NULL", [study.id]
    ).fetchone()
    return Pinned(
        rois_added=len(rois),
        outputs_added=outputs,
        outputs_filled=filled,
        outputs_missing=missing["outputs"] if missing else 0,
    )


def list_rois(connection: Connection, study_id: int, *, after: int = 0, limit: int = 200) -> list[Row]:
    """A study's ROIs by id, from the one after `after`: name, cohort, tissue type, and by number which are missing."""
    return connection.execute(
        """
        SELECT sr.roi_id, sr.key, sr.is_calibration, r.name, c.name AS cohort, r.slide, r.tissue_type,
               coalesce(array_agg(o.number ORDER BY o.number) FILTER (WHERE o.job_id IS NULL), '{}') AS missing
        FROM (SELECT * FROM study_rois WHERE study_id = %(study_id)s AND roi_id > %(after)s
              ORDER BY roi_id LIMIT %(limit)s) sr
        JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id
        LEFT JOIN outputs o ON o.study_id = sr.study_id AND o.roi_id = sr.roi_id
        GROUP BY sr.roi_id, sr.key, sr.is_calibration, r.id, c.id ORDER BY sr.roi_id
        """,
        {"study_id": study_id, "after": after, "limit": limit},
    ).fetchall()


def mark_calibration(
    connection: Connection, study: Study, roi_keys: Sequence[str], *, is_calibration: bool, actor: str
) -> int:
    """Makes ROIs a study's calibration images, or ordinary ones again; gives how many changed. Audited."""
    changed = connection.execute(
        """
        UPDATE study_rois SET is_calibration = %s
        WHERE study_id = %s AND key = ANY(%s::uuid[]) AND is_calibration <> %s
        """,
        [is_calibration, study.id, list(roi_keys), is_calibration],
    ).rowcount
    details = {"rois": changed, "is_calibration": is_calibration}
    record_action(connection, actor=actor, action="mark calibration", subject=f"study {study.name}", details=details)
    return changed
