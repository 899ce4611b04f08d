"""Compartments: cells found by another tool, counted by the class of tissue in which they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassMap

Coordinates = NDArray[np.float64]
"""Of cells, (cells,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of an ROI or a slide by their centres, x to the right and y down, each of a type."""

    x: Coordinates
    y: Coordinates
    types: Sequence[str]

    def moved(self, *, left: float, top: float) -> "Cells":
        """The same cells, counted from another corner."""
        return Cells(self.x - left, self.y - top, self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCounts:
    """How many cells of each type lie in each class index, and how many lie beyond the class map."""

    by_class: Mapping[int, Mapping[str, int]]
    outside: int


def count_cells(class_map: ClassMap, cells: Cells, *, scale_x: float, scale_y: float) -> CellCounts:
    """Counts cells by the class at their centre; `scale_x` and `scale_y` are the cells' pixels to one of the map's."""
    height, width = class_map.shape
    columns, rows = np.floor(cells.x / scale_x), np.floor(cells.y / scale_y)
    is_inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    found = class_map[rows[is_inside].astype(np.intp), columns[is_inside].astype(np.intp)]
    names, kinds = np.unique(np.asarray(cells.types, dtype=object).astype(str), return_inverse=True)
    counts = np.zeros((256, len(names)), dtype=np.int64)
    np.add.at(counts, (found, kinds[is_inside]), 1)
    return CellCounts(
        by_class={
            index: {str(name): int(number) for name, number in zip(names, counts[index], strict=True) if number}
            for index in np.unique(found).tolist()
        },
        outside=int((~is_inside).sum()),
    )
