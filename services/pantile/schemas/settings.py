"""Engine settings, asked for and decided."""

from pydantic import Field, StrictBool

from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.schemas.shapes import Ask, Shape


class SettingsIn(Ask):
    """How to segment. Other settings make other class maps, which stand beside those that are there."""

    mode: Mode = Field(Mode.FAST, description="`exact` repeats the study's own arithmetic, and takes longer.")
    stitching: Stitching = Field(Stitching.CENTRE, description="How overlapping patches become one class map.")
    precision: Precision | None = Field(
        None, description="Absent: mixed in fast mode, for each segmenter that is admitted to it; float32 otherwise."
    )
    confidence: StrictBool = Field(False, description="Keep a confidence map beside each class map.")


class SettingsOut(Shape):
    """Engine settings as they are, each decided."""

    mode: Mode
    stitching: Stitching
    precision: Precision
    confidence: bool
    stride_px: int
    margin_px: int
