"""Smooth noise, cells, distances and resampling on a grid: what synthetic tissue is drawn from, in numpy and Pillow."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from pantile.domain.class_maps import Mask

Field = NDArray[np.float32]
"""(height, width) float32 values over the region."""

Shape = tuple[int, int]
"""Height and width of a grid."""


def resize(field: Field, shape: Shape) -> Field:
    """The field on a grid of another shape over the same area, interpolated by cubic splines."""
    return np.asarray(Image.fromarray(field).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def smooth_noise(rng: Generator, shape: Shape, scale: float) -> Field:
    """Gaussian noise of zero mean and unit deviation, alike in all directions, with bumps about `scale` cells apart."""
    cell = max(1.0, scale / 4)
    rows, columns = (int(np.ceil(length / cell)) + 2 for length in shape)
    taps = np.exp(-0.5 * (np.arange(-4, 5, dtype=np.float32) * (4 * cell / scale / 1.5)) ** 2)
    taps /= np.sqrt(np.sum(taps**2))
    knots = rng.standard_normal((rows + 8, columns + 8), dtype=np.float32)
    knots = sum((tap * knots[step : step + rows] for step, tap in enumerate(taps)), np.zeros(1, np.float32))
    knots = sum((tap * knots[:, step : step + columns] for step, tap in enumerate(taps)), np.zeros(1, np.float32))
    box = (1, 1, 1 + shape[1] / cell, 1 + shape[0] / cell)
    picture = Image.fromarray(knots).resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=box)
    return np.asarray(picture)


def fractal_noise(rng: Generator, shape: Shape, scale: float, *, octaves: int) -> Field:
    """Noise of about unit deviation with features of `scale` grid cells, and finer, fainter ones on them."""
    total = smooth_noise(rng, shape, scale)
    for octave in range(1, octaves):
        total = total + smooth_noise(rng, shape, max(1.0, scale / 2**octave)) * np.float32(0.5**octave)
    return total * np.float32(np.sqrt(0.75 / (1 - 0.25**octaves)))


def ramp(field: Field, start: float, end: float) -> Field:
    """0 up to `start`, 1 from `end`, straight in between; falls where `end` is below `start`."""
    ramped: Field = np.clip((field - np.float32(start)) / np.float32(end - start), 0, 1)
    return ramped


def distance_inside(mask: Mask, limit: int) -> Field:
    """Euclidean distance in grid cells of each True cell to the nearest False one, at most `limit`; 0 for False."""
    along = np.where(mask, np.float32(limit), np.float32(0))
    for row in range(1, along.shape[0]):
        np.minimum(along[row], along[row - 1] + 1, out=along[row])
    for row in range(along.shape[0] - 2, -1, -1):
        np.minimum(along[row], along[row + 1] + 1, out=along[row])
    np.square(along, out=along)
    padded = np.pad(along, ((0, 0), (limit, limit)), constant_values=limit * limit)
    squared = along.copy()
    for step in range(1, limit + 1):
        for start in (limit - step, limit + step):
            np.minimum(squared, padded[:, start : start + along.shape[1]] + np.float32(step * step), out=squared)
    return np.sqrt(squared)


def signed_distance(mask: Mask, limit: int) -> Field:
    """Distance in grid cells to the mask's border, positive inside and negative outside, at most `limit` either way."""
    distance = distance_inside(mask, limit) - distance_inside(~mask, limit)
    return distance - np.where(mask, np.float32(0.5), np.float32(-0.5))


def direction(field: Field) -> tuple[Field, Field]:
    """The field's slope down the rows and along the columns, as a vector of unit length (or shorter on the flat)."""
    down, along = np.gradient(field)
    length = np.sqrt(down * down + along * along) + np.float32(1e-3)
    return (down / length).astype(np.float32), (along / length).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A plane of cells, each the area nearest to its point.

    `points` is (cells, 2) float32 rows and columns; `owner` is (height, width) int32, the cell at each place;
    `border` is the distance from each place to its cell's border. All in grid cells.
    """

    points: NDArray[np.float32]
    owner: NDArray[np.int32]
    border: Field


def scatter_cells(rng: Generator, shape: Shape, *, spacing: float, warp: float = 0.0) -> Cells:
    """Cells about `spacing` grid cells wide; `warp` bends their borders by about so many grid cells."""
    counts = [int(length / spacing) + 4 for length in shape]
    places = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1)
    points = ((places - 1.5 + rng.uniform(-0.42, 0.42, places.shape)) * spacing).astype(np.float32)
    rows, columns = np.indices(shape, dtype=np.float32)
    if warp:
        rows = rows + np.float32(warp) * smooth_noise(rng, shape, 1.5 * spacing)
        columns = columns + np.float32(warp) * smooth_noise(rng, shape, 1.5 * spacing)
    home = [
        np.clip((axis / spacing + 1.5).round().astype(np.int32), 1, count - 2)
        for axis, count in zip((rows, columns), counts, strict=True)
    ]
    nearest, second = np.full(shape, np.inf, np.float32), np.full(shape, np.inf, np.float32)
    owner = np.zeros(shape, np.int32)
    flat = points.reshape(-1, 2)
    for place in np.ndindex(3, 3):
        candidate = (home[0] + place[0] - 1) * counts[1] + home[1] + place[1] - 1
        distance = np.hypot(rows - flat[candidate, 0], columns - flat[candidate, 1]).astype(np.float32)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        owner[closer] = candidate[closer]
        np.minimum(nearest, distance, out=nearest)
    return Cells(points=flat, owner=owner, border=np.float32(0.5) * (second - nearest))
