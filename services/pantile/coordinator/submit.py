"""Submission: cohorts, their segmenters and ROIs written in one transaction, and uploads taken in."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog import cohorts, jobs, rois, segmenters
from pantile.catalog.database import Database
from pantile.catalog.rois import RoiCounts, SubmittedRoi
from pantile.domain.cohorts import check_cohort_name
from pantile.domain.segmenters import EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a submission did to one cohort."""

    cohort_id: int
    cohort: str
    segmenters: tuple[str, ...]
    segmenters_added: int
    rois: RoiCounts
    jobs_added: int
    uploads_awaited: int

    @property
    def added_nothing(self) -> bool:
        """Whether all of it was there already."""
        return self.segmenters_added == self.rois.added == self.rois.replaced == self.jobs_added == 0


def submit_cohort(
    database: Database,
    name: str,
    submitted: Sequence[SubmittedRoi],
    *,
    segmenter_names: Sequence[str],
    settings: EngineSettings,
    max_attempts: int,
) -> Submission:
    """Adds ROIs and segmenters to the cohort of that name; asking twice adds nothing the second time.

    ROIs whose image is stored already get their jobs at once.

    Raises:
        ManifestRefused: the cohort's name cannot be one.
        SegmenterUnknown: a segmenter is not registered.
        RoiConflict: an ROI is there already with another image or mpp; nothing is added.
    """
    check_cohort_name(name)
    with database.transaction() as connection:
        wanted = segmenters.find_segmenters(connection, segmenter_names)
        cohort = cohorts.open_cohort(connection, name)
        digest = segmenters.keep_settings(connection, settings)
        new_segmenters = cohorts.add_segmenters(
            connection, cohort.id, [segmenter.id for segmenter in wanted], settings_digest=digest
        )
        counts = rois.add_rois(connection, cohort.id, submitted)
        new_jobs = jobs.plan_jobs(connection, cohort.id, max_attempts=max_attempts)
        cohorts.close_cohorts(connection)
        awaited = cohorts.count_rois(connection, cohort.id).get("awaiting", 0)
    return Submission(
        cohort_id=cohort.id,
        cohort=name,
        segmenters=tuple(segmenter.card.name for segmenter in wanted),
        segmenters_added=new_segmenters,
        rois=counts,
        jobs_added=new_jobs,
        uploads_awaited=awaited,
    )


def incoming_key(sha256: str) -> str:
    """Where an upload of this digest arrives before it is checked."""
    return f"incoming/{sha256}"
