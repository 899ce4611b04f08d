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
