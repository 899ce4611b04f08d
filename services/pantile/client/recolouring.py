"""Class maps in other colours: the indices stay, the palette of the PNG changes."""

import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import PngImagePlugin

from pantile.client.downloads import write_whole
from pantile.domain.class_maps import PaletteName
from pantile.domain.errors import FileRefused
from pantile.schemas.segmenters import ClassOut

_ENTRIES = 256


def recolour(class_map: Path, target: Path, colours: Iterable[tuple[int, int, int]]) -> None:
    """Writes a copy of an indexed PNG with these colours by class index; raises `FileRefused`."""
    entries = [part for colour in colours for part in colour]
    try:
        # Named directly, for Image.open refuses more than 179 million pixels.
        with PngImagePlugin.PngImageFile(class_map) as picture:
            picture.load()
            picture.putpalette(entries + [0] * (3 * _ENTRIES - len(entries)))
            content = BytesIO()
            picture.save(content, "PNG", compress_type=zlib.Z_RLE)
    except (OSError, SyntaxError, ValueError) as error:
        raise FileRefused(f"{class_map}, {error}") from error
    write_whole(target, content.getvalue())


def class_colours(classes: Iterable[ClassOut], palette: PaletteName) -> list[tuple[int, int, int]]:
    """The colours of a segmenter's classes by index."""
    is_simple = palette is PaletteName.SIMPLIFIED
    return [tissue.simplified_rgb if is_simple else tissue.detailed_rgb for tissue in classes]
