"""Pre-annotation: a cohort segmented for it, its class maps handed out, and their corrections compared with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog import cohorts, corrections
from pantile.catalog.corrections import Correction, HandedOut
from pantile.catalog.database import Database, Row
from pantile.class_map_files import decode_class_map
from pantile.coordinator.submit import submit_cohort
from pantile.domain.corrections import measure_effort
from pantile.domain.errors import GroundTruthRefused, ImageUnreadable
from pantile.domain.segmenters import card_from
from pantile.domain.settings_asked import SettingsAsked
from pantile.objects import ObjectStore


def preannotate(database: Database, cohort: str, segmenter: str, *, max_attempts: int, actor: str) -> HandedOut:
    """Has a cohort segmented by a segmenter, if it is not, and hands out the class maps that are there. Audited.

    Raises:
        CohortNotFound, SegmenterUnknown: there is none of that name.
    """
    with database.transaction() as connection:
        found = cohorts.find_cohort(connection, cohort)
        known = {each.name for each in cohorts.list_segmenters(connection, found.id)}
    if segmenter not in known:
        submit_cohort(
            database,
            found.name,
            [],
            segmenter_names=[segmenter],
            settings=SettingsAsked(),
            max_attempts=max_attempts,
            actor=actor,
        )
    with database.transaction() as connection:
        return corrections.hand_out(connection, found.id, segmenter, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The names of ROIs whose correction was compared, and of those that have no pre-annotation or nothing returned."""

    compared: tuple[str, ...]
    unknown: tuple[str, ...]


def take_corrections(
    database: Database, objects: ObjectStore, cohort: str, rois: Sequence[str], *, actor: str
) -> Compared:
    """Compares the ground truth of ROIs with what was handed out of them, and keeps what changed. Audited.

    Raises:
        CohortNotFound: there is no such cohort.
        GroundTruthRefused: it is not drawn at the pre-annotation's size; nothing is kept then.
    """
    with database.transaction() as connection:
        cohort_id = cohorts.find_cohort(connection, cohort).id
        rows = corrections.list_returned(connection, cohort_id, rois)
    found = [_compare(objects, row) for row in rows]
    with database.transaction() as connection:
        corrections.keep_corrections(connection, cohort_id, found, actor=actor)
    compared = {row["roi"] for row in rows}
    return Compared(
        compared=tuple(name for name in rois if name in compared),
        unknown=tuple(name for name in rois if name not in compared),
    )


def _compare(objects: ObjectStore, row: Row) -> Correction:
    before = decode_class_map(objects.get(row["object_key"], sha256=row["sha256"]))
    try:
        after = decode_class_map(objects.get(row["truth_key"], sha256=row["truth_sha256"]))
        names = {tissue.index: tissue.name for tissue in card_from(row["card"]).scheme.classes}
        effort = measure_effort(before, after, names)
    except ImageUnreadable as error:
        raise GroundTruthRefused(f"{row['roi']}: {error.detail}") from error
    except GroundTruthRefused as error:
        raise GroundTruthRefused(f"{row['roi']}: {error.detail}") from error
    return Correction(roi_id=row["roi_id"], truth_sha256=row["truth_sha256"], effort=effort)
