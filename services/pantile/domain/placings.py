"""Placings: the rectangles that somebody has put on a slide, from which its ROIs are cut."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pantile.domain.rois import TissueType
from pantile.domain.slides import Rectangle


class PlacingState(StrEnum):
    """How far a slide has come: nothing on it, two places guessed, rectangles placed by somebody, ROIs cut out."""

    EMPTY = "no rectangles"
    GUESSED = "guessed"
    PLACED = "placed"
    CUT_OUT = "cut out"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRectangle:
    """A rectangle on a slide, and which tissue somebody saw in it."""

    tissue_type: TissueType
    rectangle: Rectangle

    def document(self) -> dict[str, Any]:
        """As the catalog and the audit log keep it."""
        return {"tissue_type": self.tissue_type.value, **asdict(self.rectangle)}


def placed_from(documents: Sequence[Mapping[str, Any]]) -> list[PlacedRectangle]:
    """The rectangles as `PlacedRectangle.document` wrote them."""
    return [
        PlacedRectangle(
            tissue_type=TissueType(document["tissue_type"]),
            rectangle=Rectangle(**{name: document[name] for name in Rectangle.__dataclass_fields__}),
        )
        for document in documents
    ]


def placing_of(guesses: Sequence[Rectangle]) -> list[PlacedRectangle]:
    """What the first guesses would be as a placing: the one with the most tissue as tumor, the next as normal."""
    return [
        PlacedRectangle(tissue_type=tissue_type, rectangle=guess)
        for tissue_type, guess in zip((TissueType.TUMOR, TissueType.NORMAL), guesses, strict=False)
    ]
