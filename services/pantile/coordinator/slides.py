"""Slides: added to a cohort together with its segmenters, and ROIs placed on them."""

from collections.abc import Sequence

from pantile.catalog import cohorts, rois, slides
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Database, Row
from pantile.catalog.rois import RoiCounts, SubmittedRoi
from pantile.catalog.slides import NewSlide
from pantile.coordinator.submit import submit_cohort
from pantile.domain.cohorts import ManifestRow
from pantile.domain.errors import RoiConflict, SlideNotReady, SlideRefused
from pantile.domain.rois import WHOLE_SLIDE, RoiKey, TissueType
from pantile.domain.settings_asked import SettingsAsked
from pantile.domain.slides import Place, Rectangle, SlideState
from pantile.domain.whole_slides import why_not_whole


def add_slides(
    database: Database,
    cohort: str,
    added: Sequence[NewSlide],
    *,
    segmenter_names: Sequence[str],
    settings: SettingsAsked,
    max_attempts: int,
    actor: str,
) -> tuple[int, int]:
    """Adds slides and segmenters to the cohort of that name; gives its id and how many slides are new. Audited.

    Raises:
        ManifestRefused: the cohort's name cannot be one.
        SegmenterUnknown: a segmenter is not registered.
    """
    cohort_id = submit_cohort(
        database,
        cohort,
        [],
        segmenter_names=segmenter_names,
        settings=settings,
        max_attempts=max_attempts,
        actor=actor,
    ).cohort_id
    with database.transaction() as connection:
        return cohort_id, slides.add_slides(connection, cohort_id, added, actor=actor)


def check_ready(slide: Row) -> None:
    """Raises `SlideNotReady` for a slide that was not looked into yet, was refused or withdrawn."""
    if slide["state"] != SlideState.READY:
        raise SlideNotReady(", ".join(filter(None, (f"{slide['name']} is {slide['state']}", slide["error"]))))


def place_rois(connection: Connection, slide: Row, placed: Sequence[tuple[RoiKey, Place]], *, actor: str) -> RoiCounts:
    """Makes ROIs of places on a slide; the same places again add nothing. Audited.

    Raises:
        SlideNotReady: its mpp is not known yet, or it was refused or withdrawn.
        RoiConflict: an ROI of that number lies elsewhere on the slide; nothing is added then.
    """
    check_ready(slide)
    own = {row["name"]: row["source"] for row in slides.list_places(connection, slide)}
    moved = [key.name() for key, place in placed if own.get(key.name(), str(place)) != str(place)]
    if moved:
        raise RoiConflict(f"{', '.join(moved[:5])} lies elsewhere; another region of a slide needs another roi_number")
    cohorts.open_cohort(connection, slide["cohort"])
    counts = rois.add_rois(
        connection,
        slide["cohort_id"],
        [
            SubmittedRoi(
                row=ManifestRow(
                    path=str(place), cohort=slide["cohort"], case=slide["case_id"], key=key, mpp=slide["mpp"]
                )
            )
            for key, place in placed
        ],
    )
    details = {"rois": counts.added}
    record_action(connection, actor=actor, action="place rois", subject=f"slide {slide['id']}", details=details)
    return counts


def place_whole(connection: Connection, slide: Row, *, actor: str) -> RoiCounts:
    """Makes an ROI of a whole slide; again, it adds nothing. Audited.

    Raises:
        SlideRefused: its cohort has settings by which whole slides cannot be segmented.
        SlideNotReady, RoiConflict: as `place_rois`.
    """
    for each in cohorts.list_segmenters(connection, slide["cohort_id"]):
        reason = why_not_whole(each.settings)
        if reason is not None:
            raise SlideRefused(f"{slide['cohort']} asks it of {each.name}, and {reason}; take another cohort")
    check_ready(slide)
    rectangle = Rectangle(left_px=0, top_px=0, width_px=slide["width_px"], height_px=slide["height_px"])
    key = RoiKey(slide=slide["name"], tissue_type=TissueType.TUMOR, roi_number=WHOLE_SLIDE)
    place = Place(slide_id=slide["id"], rectangle=rectangle, is_whole=True)
    return place_rois(connection, slide, [(key, place)], actor=actor)
