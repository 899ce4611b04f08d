"""Placings made into ROIs: each rectangle that lies where none was cut yet becomes the next ROI of its tissue type."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog import placings, slides
from pantile.catalog.database import Connection, Row
from pantile.coordinator.slides import place_rois
from pantile.domain.errors import PlacingEmpty
from pantile.domain.placings import PlacedRectangle
from pantile.domain.rois import RoiKey
from pantile.domain.slides import Place, parse_place


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOut:
    """How many rectangles became ROIs, and how many had been before."""

    added: int
    present: int


def cut_out(connection: Connection, slide_id: int, *, version: int, actor: str) -> CutOut:
    """Has the rectangles on a slide cut out, if `version` is the current one; the same again adds nothing. Audited.

    A rectangle that was moved since it was cut out becomes a further ROI of the slide: an ROI that was segmented stays.

    Raises:
        SlideNotFound, SlideNotReady, PlacingConflict: as `lock_placing`.
        PlacingEmpty: there is no rectangle.
    """
    slide, placing = placings.lock_placing(connection, slide_id, version=version)
    if not placing.rectangles:
        raise PlacingEmpty(slide["name"])
    there = slides.list_places(connection, slide)
    new = [each for each in placing.rectangles if not _is_cut(each, there)]
    keyed = [(_next_key(slide, each, there), Place(slide_id=slide_id, rectangle=each.rectangle)) for each in new]
    place_rois(connection, slide, keyed, actor=actor)
    placings.mark_cut(connection, slide_id)
    return CutOut(added=len(new), present=len(placing.rectangles) - len(new))


def _is_cut(placed: PlacedRectangle, there: Sequence[Row]) -> bool:
    """Whether an ROI of just this place is there; one that was refused is not."""
    return any(
        row["tissue_type"] == placed.tissue_type
        and row["state"] != "refused"
        and (place := parse_place(row["source"])) is not None
        and place.rectangle == placed.rectangle
        for row in there
    )


def _next_key(slide: Row, placed: PlacedRectangle, there: Sequence[Row]) -> RoiKey:
    numbers = [row["roi_number"] for row in there if row["tissue_type"] == placed.tissue_type]
    return RoiKey(slide=slide["name"], tissue_type=placed.tissue_type, roi_number=max(numbers, default=0) + 1)
