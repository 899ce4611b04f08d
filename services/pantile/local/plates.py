"""A plate of the demo: regions side by side with their ground truth and what each segmenter made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pantile.domain.class_maps import OVERLAY_ALPHA, ClassMap, ClassScheme, PaletteName, RgbImage

_PANEL_PX = (420, 336)
_GAP_PX = 12
_TITLE_PX = 34
_ROW_PX = _PANEL_PX[1] + 48
"""From one row of panels to the next, with the row's title below it."""

_LEGEND_PX = 44
_INK = (30, 30, 34)
_PAPER = (255, 255, 255)
_FONT_PX = 18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlateRow:
    """One region: its title, its image, and class maps in the order of the plate's columns, all of one aspect."""

    title: str
    image: RgbImage
    class_maps: tuple[ClassMap, ...]


def draw_plate(rows: Sequence[PlateRow], columns: Sequence[str], scheme: ClassScheme) -> Image.Image:
    """The plate: a column of H&E and one for each of `columns`, with the legend of the scheme below.

    Overlays blend the detailed palette at the study's alpha; background is left as it is.
    """
    width = (len(columns) + 1) * (_PANEL_PX[0] + _GAP_PX) + _GAP_PX
    height = _TITLE_PX + len(rows) * _ROW_PX + _LEGEND_PX
    plate = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(plate)
    for place, title in enumerate(["H&E", *columns]):
        _write(draw, _left(place), _GAP_PX, title)
    for number, row in enumerate(rows):
        top = _TITLE_PX + number * _ROW_PX
        image = Image.fromarray(row.image).resize(_PANEL_PX, Image.Resampling.BOX)
        panels = [image, *(_overlay(image, class_map, scheme) for class_map in row.class_maps)]
        for place, panel in enumerate(panels):
            plate.paste(panel, (_left(place), top))
        _write(draw, _left(0), top + _PANEL_PX[1] + 6, row.title)
    _draw_legend(draw, scheme, top=height - _LEGEND_PX + 8)
    return plate


def _left(place: int) -> int:
    return _GAP_PX + place * (_PANEL_PX[0] + _GAP_PX)


def _overlay(image: Image.Image, class_map: ClassMap, scheme: ClassScheme) -> Image.Image:
    classes = np.asarray(Image.fromarray(class_map).resize(_PANEL_PX, Image.Resampling.NEAREST))
    alpha = np.full(256, OVERLAY_ALPHA, dtype=np.float32)
    alpha[0] = 0.0
    share = alpha[classes][..., None]
    blended = np.asarray(image) * (1 - share) + scheme.palette(PaletteName.DETAILED)[classes] * share
    return Image.fromarray(blended.round().astype(np.uint8))


def _draw_legend(draw: ImageDraw.ImageDraw, scheme: ClassScheme, *, top: int) -> None:
    left = _left(0)
    for tissue in scheme.classes[1:]:
        draw.rectangle((left, top, left + _FONT_PX, top + _FONT_PX), fill=tissue.detailed_rgb)
        _write(draw, left + _FONT_PX + 8, top - 1, tissue.name.lower())
        left += _FONT_PX + 40 + int(draw.textlength(tissue.name.lower(), font=_font()))


def _write(draw: ImageDraw.ImageDraw, left: int, top: int, text: str) -> None:
    draw.text((left, top), text, fill=_INK, font=_font())


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FONT_PX)
