"""Slides' ROIs as answers tell them."""

from collections.abc import Iterable

from pantile.catalog.database import Row
from pantile.domain.quality import Quality
from pantile.domain.slides import Place, parse_place
from pantile.schemas.slides import PlacedRoi, RectangleOut
from pantile.web.answers import quality_out


def placed_rois(rows: Iterable[Row]) -> list[PlacedRoi]:
    """The ROIs that were cut out of a slide."""
    return [_placed(row, place) for row in rows if (place := parse_place(row["source"])) is not None]


def _placed(row: Row, place: Place) -> PlacedRoi:
    return PlacedRoi(
        roi=row["name"],
        tissue_type=row["tissue_type"],
        roi_number=row["roi_number"],
        place=RectangleOut(
            left_px=place.rectangle.left_px,
            top_px=place.rectangle.top_px,
            width_px=place.rectangle.width_px,
            height_px=place.rectangle.height_px,
        ),
        state=row["state"],
        error=row["error"],
        quality=quality_out(row["quality"] and Quality(**row["quality"])),
    )
