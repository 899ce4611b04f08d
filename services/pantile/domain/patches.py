"""The patch grid: which squares of an ROI the network sees, and which part of each is kept."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPatch:
    """One patch along one axis: where it starts, and the half-open range [keep_start, keep_end) that is kept of it.

    All in pixels of the image; a patch may reach beyond the image's end, where it sees padding.
    """

    start: int
    keep_start: int
    keep_end: int


def plan_axis(length_px: int, *, patch_px: int, stride_px: int, margin_px: int) -> list[AxisPatch]:
    """The patches along an axis of `length_px` pixels: the study's, from 0 on in steps of `stride_px`.

    Kept ranges tile the axis without gap or overlap. Each kept pixel is at least half the overlap from its patch's
    border, except at the image's own start. The last patch reaches beyond the image as far as that needs, and sees
    padding there; it is not moved back inside, since networks answer to where patches lie (docs/decisions/0007).

    Raises:
        ValueError: the image is empty, or the margins do not fit into the overlap of two patches.
    """
    if not 0 <= 2 * margin_px <= patch_px - stride_px:
        raise ValueError("the margins must fit into the overlap of two patches")
    if length_px <= 0:
        raise ValueError("an image has at least one pixel")
    lead = (patch_px - stride_px) // 2
    count = 1 + max(0, ceil((length_px - (patch_px - lead)) / stride_px))
    starts = [step * stride_px for step in range(count)]
    edges = [0] + [start + lead for start in starts[1:]] + [length_px]
    return [
        AxisPatch(start=start, keep_start=edges[step], keep_end=edges[step + 1]) for step, start in enumerate(starts)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One patch of the grid: a row and a column of the two axes."""

    row: AxisPatch
    column: AxisPatch


def plan_grid(height_px: int, width_px: int, *, patch_px: int, stride_px: int, margin_px: int) -> list[Patch]:
    """All patches of an image, row by row."""
    rows = plan_axis(height_px, patch_px=patch_px, stride_px=stride_px, margin_px=margin_px)
    columns = plan_axis(width_px, patch_px=patch_px, stride_px=stride_px, margin_px=margin_px)
    return [Patch(row=row, column=column) for row in rows for column in columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyScale:
    """The study's patch grid in an ROI's own pixels: whole numbers, rounded down as its published script does.

    A patch of `patch_px` at the segmenter's mpp is cut as `patch_roi_px` of the ROI's pixels, and the stride of
    `stride_px` is `stride_roi_px` of them: 2048 and 1536 at 0.25 mpp, 2023 and 1517 at 0.253.
    """

    patch_px: int
    stride_px: int
    patch_roi_px: int
    stride_roi_px: int

    @property
    def scale(self) -> float:
        """ROI pixels per pixel of the class map, along the whole of it.

        It holds for whole strides; within a patch, whose own scale is `patch_roi_px / patch_px`, a pixel lies less than
        one pixel of the ROI off.
        """
        return self.stride_roi_px / self.stride_px

    def length_px(self, roi_px: int) -> int:
        """The length of the class map that covers `roi_px` of the ROI's pixels."""
        return ceil(roi_px * self.stride_px / self.stride_roi_px)

    def stitched_px(self, roi_px: int) -> int:
        """The length of what the study's script stitches, which pads an ROI by a whole patch before it counts."""
        strides = roi_px // self.stride_roi_px
        return strides * self.stride_px + self.patch_px - (self.patch_px - self.stride_px) // 2


def study_scale(*, roi_mpp: float, model_mpp: float, patch_px: int, stride_px: int) -> StudyScale:
    """The study's grid for ROIs at `roi_mpp` and a segmenter at `model_mpp`.

    Raises:
        ValueError: the ROI's pixels are so coarse that a patch or a stride is less than one of them.
    """
    # The order of the operations is the script's: they round.
    patch_roi_px = int(model_mpp / roi_mpp * patch_px)
    stride_roi_px = int(stride_px / patch_px * patch_roi_px)
    if stride_roi_px < 1:
        raise ValueError(f"a patch of {patch_px} px at {model_mpp:g} mpp has no whole pixel at {roi_mpp:g} mpp")
    return StudyScale(patch_px=patch_px, stride_px=stride_px, patch_roi_px=patch_roi_px, stride_roi_px=stride_roi_px)
