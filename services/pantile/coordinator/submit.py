"""Submission: cohorts, their segmenters and ROIs written in one transaction, and uploads taken in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pantile.catalog import cohorts, jobs, rois, segmenters
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Database
from pantile.catalog.rois import RoiCounts, SubmittedRoi
from pantile.catalog.segmenters import Segmenter
from pantile.domain.cohorts import check_cohort_name
from pantile.domain.settings_asked import SettingsAsked, settle, why_float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a submission did to one cohort.

    `in_float32` says of segmenters why they run in float32 though mixed precision was asked for or is usual.
    """

    cohort_id: int
    cohort: str
    segmenters: tuple[str, ...]
    in_float32: Mapping[str, str]
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
    settings: SettingsAsked,
    max_attempts: int,
    actor: str,
) -> Submission:
    """Adds ROIs and segmenters to the cohort of that name; asking twice adds nothing the second time. Audited.

    ROIs whose image is stored already get their jobs at once.

    Raises:
        ManifestRefused: the cohort's name cannot be one.
        SegmenterUnknown: a segmenter is not registered.
        RoiConflict: an ROI is there already with another image or mpp; nothing is added.
    """
    check_cohort_name(name)
    with database.transaction() as connection:
        wanted = segmenters.find_segmenters(connection, segmenter_names, to_run=True)
        cohort = cohorts.open_cohort(connection, name)
        new_segmenters, in_float32 = _add_segmenters(connection, cohort.id, wanted, settings)
        counts = rois.add_rois(connection, cohort.id, submitted)
        new_jobs = jobs.plan_jobs(connection, cohort.id, max_attempts=max_attempts)
        cohorts.close_cohorts(connection)
        awaited = cohorts.count_rois(connection, cohort.id).get("awaiting", 0)
        details = {"rois": counts.added, "rois_replaced": counts.replaced, "jobs": new_jobs}
        record_action(connection, actor=actor, action="submit", subject=f"cohort {cohort.id}", details=details)
    return Submission(
        cohort_id=cohort.id,
        cohort=name,
        segmenters=tuple(segmenter.card.name for segmenter in wanted),
        in_float32=in_float32,
        segmenters_added=new_segmenters,
        rois=counts,
        jobs_added=new_jobs,
        uploads_awaited=awaited,
    )


def _add_segmenters(
    connection: Connection, cohort_id: int, wanted: Sequence[Segmenter], asked: SettingsAsked
) -> tuple[int, dict[str, str]]:
    """Adds what a cohort lacks; gives how many that were, and why some of those asked for run in float32."""
    present = cohorts.list_segmenters(connection, cohort_id)
    settled = {
        segmenter.id: settle(
            asked, segmenter.card, [own.settings for own in present if own.segmenter_id == segmenter.id]
        )
        for segmenter in wanted
    }
    digests = {settings: segmenters.keep_settings(connection, settings) for settings in set(settled.values())}
    added = cohorts.add_segmenters(connection, cohort_id, {key: digests[own] for key, own in settled.items()})
    reasons = {each.card.name: why_float32(asked, each.card, settled[each.id]) for each in wanted}
    return added, {name: reason for name, reason in reasons.items() if reason is not None}
