"""The study's own files of one class map, at the size of the ROI's image: class indices, colours, overlay."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pantile.domain.class_maps import OVERLAY_ALPHA, ClassMap, RgbImage

_STRIP_PX = 512
_JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A file's ending, as `_model3_mask.png`, and its bytes."""

    ending: str
    content: bytes


def study_palette(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(classes, 3) uint8 colours as the study's code paints them: index 0 and the last class black."""
    painted = colours.copy()
    painted[[0, -1]] = 0
    return painted


def study_files(
    class_map: ClassMap, image: RgbImage, colours: NDArray[np.uint8], *, number: int
) -> Iterator[StudyFile]:
    """`_modelN_mask.png`, `_modelN_color.png` and `_modelN_overlay.jpg` of segmenter `number`.

    The class map, (height, width) uint8, has the size of the image, (height, width, 3) uint8, which becomes the overlay
    in place, so that there are never two of its size.
    """
    palette = study_palette(colours)
    yield StudyFile(ending=f"_model{number}_mask.png", content=_png(Image.fromarray(class_map)))
    coloured = Image.fromarray(class_map)
    coloured.putpalette(palette.tobytes())
    yield StudyFile(ending=f"_model{number}_color.png", content=_png(coloured))
    _blend(image, class_map, palette)
    content = BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=_JPEG_QUALITY)
    yield StudyFile(ending=f"_model{number}_overlay.jpg", content=content.getvalue())


def _blend(image: RgbImage, class_map: ClassMap, palette: NDArray[np.uint8]) -> None:
    """Strip by strip: what floats of a whole ROI take is four times the ROI."""
    weighted = (OVERLAY_ALPHA * palette).astype(np.float32)
    for top in range(0, image.shape[0], _STRIP_PX):
        strip = image[top : top + _STRIP_PX]
        mixed = (1 - OVERLAY_ALPHA) * strip.astype(np.float32) + weighted[class_map[top : top + _STRIP_PX]]
        strip[...] = np.rint(mixed).astype(np.uint8)


def _png(picture: Image.Image) -> bytes:
    content = BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return content.getvalue()
