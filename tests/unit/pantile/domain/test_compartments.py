"""Cells are counted by the class of the pixel in which their centre lies."""

import numpy as np

from pantile.domain.compartments import Cells, count_cells

CLASS_MAP = np.array([[0, 1, 1], [0, 2, 1]], dtype=np.uint8)


def _cells(*cells: tuple[float, float, str]) -> Cells:
    return Cells(np.array([x for x, _, _ in cells]), np.array([y for _, y, _ in cells]), [kind for *_, kind in cells])


def test_cells_are_counted_by_class_and_type() -> None:
    cells = _cells((0, 0, "lymphocyte"), (4, 0, "tumor"), (11.9, 7.9, "tumor"), (7.9, 4, "lymphocyte"), (5, 3, "tumor"))

    counts = count_cells(CLASS_MAP, cells, scale_x=4, scale_y=4)

    assert counts.by_class == {0: {"lymphocyte": 1}, 1: {"tumor": 3}, 2: {"lymphocyte": 1}}
    assert counts.outside == 0


def test_cells_beyond_the_class_map_are_in_no_class() -> None:
    cells = _cells((-0.1, 0, "a"), (12, 0, "a"), (0, 8, "a"), (0, 0, "a"))

    counts = count_cells(CLASS_MAP, cells, scale_x=4, scale_y=4)

    assert (counts.by_class, counts.outside) == ({0: {"a": 1}}, 3)


def test_no_cell_is_in_no_class() -> None:
    counts = count_cells(CLASS_MAP, _cells(), scale_x=1, scale_y=1)

    assert (counts.by_class, counts.outside) == ({}, 0)
