"""Class maps as pyramids in one file: OME-TIFF and OME-Zarr, in which levels shrink by the commonest class."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr

from pantile.client.exports.geojson import AnnotationClass
from pantile.domain.class_maps import ClassMap

_TILE_PX = 512


def halve(class_map: ClassMap) -> ClassMap:
    """The class map at half its size (odd ones are rounded up): of each two by two pixels the class that most have.

    Where two classes have two pixels each, it is that of the upper left one of them.
    """
    height, width = class_map.shape
    even = np.pad(class_map, ((0, height % 2), (0, width % 2)), mode="edge")
    first, second, third, fourth = (even[row::2, column::2] for row in (0, 1) for column in (0, 1))
    # The first class wins unless the three others, or two others against a first that stands alone, are of one mind.
    first_alone = (first != second) & (first != third) & (first != fourth)
    others = np.where((second == third) | (second == fourth), second, np.where(third == fourth, third, first))
    halved: ClassMap = np.where(first_alone, others, first)
    return halved


def levels(class_map: ClassMap) -> Iterator[ClassMap]:
    """The class map, and it halved until it fits into one tile."""
    yield class_map
    while max(class_map.shape) > _TILE_PX:
        class_map = halve(class_map)
        yield class_map


def write_ome_tiff(class_map: ClassMap, classes: Sequence[AnnotationClass], *, map_mpp: float, name: str) -> bytes:
    """A pyramidal OME-TIFF, tiled and compressed without loss, with its pixel's size and a map of its classes."""
    pyramid = list(levels(class_map))
    content = BytesIO()
    options: dict[str, Any] = {"tile": (_TILE_PX, _TILE_PX), "compression": "zlib", "photometric": "minisblack"}
    with tifffile.TiffWriter(content, ome=True) as tiff:
        tiff.write(
            pyramid[0],
            subifds=len(pyramid) - 1,
            resolution=(10_000 / map_mpp, 10_000 / map_mpp),
            resolutionunit="CENTIMETER",
            metadata={
                "axes": "YX",
                "Name": name,
                "PhysicalSizeX": map_mpp,
                "PhysicalSizeXUnit": "µm",
                "PhysicalSizeY": map_mpp,
                "PhysicalSizeYUnit": "µm",
                "MapAnnotation": {
                    "Namespace": "pantile/classes",
                    "Value": {str(each.index): each.name for each in classes},
                },
            },
            **options,
        )
        for level in pyramid[1:]:
            tiff.write(level, subfiletype=1, **options)
    return content.getvalue()


def write_ome_zarr(
    folder: Path, class_map: ClassMap, classes: Sequence[AnnotationClass], *, map_mpp: float, name: str
) -> None:
    """A label image as OME-Zarr 0.5 has it (https://ngff.openmicroscopy.org/0.5), over what is in the folder."""
    root = zarr.create_group(str(folder), overwrite=True, zarr_format=3)
    datasets: list[Any] = []
    for number, level in enumerate(levels(class_map)):
        array = root.create_array(str(number), shape=level.shape, chunks=(_TILE_PX, _TILE_PX), dtype="uint8")
        array[:] = level
        scale = [map_mpp * 2**number] * 2
        datasets.append({"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "yx"]
    root.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
        "image-label": {
            "colors": [{"label-value": each.index, "rgba": [*each.rgb, 255]} for each in classes],
            "properties": [{"label-value": each.index, "class": each.name} for each in classes],
        },
    }
