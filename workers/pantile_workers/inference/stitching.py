"""Stitching: from the predictions of overlapping patches to one class map."""

from collections.abc import Sequence

from torch import Tensor

from pantile.domain.patches import AxisPatch, Patch


def keep_centres(class_map: Tensor, patches: Sequence[Patch], predicted: Tensor) -> None:
    """Writes the kept centre of each patch into the class map, in place.

    `class_map` is (height, width) uint8; `predicted` is (patches, patch_px, patch_px) uint8 on the same device, in the
    order of `patches`. As the kept centres tile the image, the order of writing does not matter.
    """
    for patch, classes in zip(patches, predicted, strict=True):
        rows, columns = patch.row, patch.column
        kept = classes[_within(rows), _within(columns)]
        class_map[rows.keep_start : rows.keep_end, columns.keep_start : columns.keep_end] = kept


def _within(axis: AxisPatch) -> slice:
    """The kept range, counted from the patch's own start."""
    return slice(axis.keep_start - axis.start, axis.keep_end - axis.start)
