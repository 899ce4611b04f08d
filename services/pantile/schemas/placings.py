"""Placings: what the page shows on which rectangles are placed on a slide, and what it sends."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pantile.domain.rois import TissueType
from pantile.domain.slides import SlideState
from pantile.schemas.readings import TileSource
from pantile.schemas.shapes import Ask, Problem, Shape
from pantile.schemas.slides import Length, Offset, PlacedRoi, RectangleOut


class PlacedRectangleIn(Ask):
    """A rectangle in pixels of the slide's finest level, and the tissue seen in it."""

    tissue_type: TissueType
    left_px: Offset
    top_px: Offset
    width_px: Length
    height_px: Length


def _one_each(rectangles: list[PlacedRectangleIn]) -> list[PlacedRectangleIn]:
    if len({each.tissue_type for each in rectangles}) < len(rectangles):
        raise ValueError("there is one rectangle for each tissue type")
    return rectangles


class PlacingIn(Ask):
    """All rectangles that shall lie on the slide; none takes away those that do."""

    rectangles: Annotated[list[PlacedRectangleIn], Field(max_length=len(TissueType)), AfterValidator(_one_each)]


class PlacedRectangleOut(RectangleOut):
    """A rectangle on a slide."""

    tissue_type: TissueType


class PlacingOut(Shape):
    """What is placed on a slide; version 0 where nobody has placed anything."""

    version: int
    rectangles: list[PlacedRectangleOut]
    is_cut: bool = Field(description="All of it was cut out.")
    placed_by: str | None
    placed_at: datetime | None


class PlacingConflictProblem(Problem):
    """A refusal that tells what lies on the slide by now."""

    current: PlacingOut


class SizeOut(Shape):
    """A width and a height in pixels of the slide."""

    width_px: int
    height_px: int


class PlacingPage(Shape):
    """All that the page of a slide shows. Sizes are known only of slides that were looked into."""

    id: int
    cohort: str
    name: str
    case: str
    state: SlideState
    error: str | None
    mpp: float | None
    width_px: int | None
    height_px: int | None
    tissue_fraction: float | None
    study_size: SizeOut | None = Field(description="How large the study's ROIs are on this slide.")
    overview_url: str | None
    tissue_url: str | None
    tiles: TileSource | None = Field(description="None until they are made.")
    downsample: int | None = Field(description="Pixels of the slide for one of the finest tiles, each way.")
    tiles_state: Literal["ready", "making", "failed"]
    tiles_error: str | None
    guesses: list[PlacedRectangleOut] = Field(description="The first guess; which is tumor is not known.")
    placing: PlacingOut
    rois: list[PlacedRoi]
    may_place: bool
    next: int | None = Field(description="The next slide of the cohort on which nobody has placed anything.")


class CutOutAnswer(Shape):
    """How many rectangles became ROIs, how many had been before, and all ROIs of the slide."""

    added: int
    present: int
    rois: list[PlacedRoi]
