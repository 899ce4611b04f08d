"""Plates drawn: H&E beside overlay, with scale bars and captions, at the width of the article's page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pantile.class_map_files import decode_class_map
from pantile.domain.class_maps import OVERLAY_ALPHA, ClassGroup, PaletteName, Rgb, at_pixels
from pantile.domain.errors import FileRefused
from pantile.domain.plates import scale_bar_um
from pantile.schemas.results import ResultOut
from pantile.schemas.segmenters import ClassOut

DPI = 300
_WIDTH_PX = 2126
"""180 mm, the width of the article's page, at 300 dpi."""

_GAP_PX, _PAIR_GAP_PX, _MARGIN_PX = 16, 56, 24
_ROW_TITLE_PX, _CAPTION_PX, _TITLE_PX = 60, 88, 84
_FONT_PX, _SMALL_PX, _TITLE_FONT_PX = 34, 26, 44
_CLASS_PX, _LINE_PX = 24, 36
_BAR_PX = 8
_ASPECT = 4 / 5
_INK, _PAPER, _WHITE, _BLACK = (25, 25, 28), (255, 255, 255), (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """One output as a plate shows it: the ROI's image, the overlay beside it, two lines below, microns a pixel."""

    image: Image.Image
    overlay: Image.Image
    caption: str
    pixel_um: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExampleRow:
    """A row of a plate."""

    title: str
    examples: Sequence[Example]


def panel_px(examples_a_row: int) -> tuple[int, int]:
    """The width and height of a panel, of which an example has two."""
    gaps = examples_a_row * _GAP_PX + (examples_a_row - 1) * _PAIR_GAP_PX
    width = (_WIDTH_PX - 2 * _MARGIN_PX - gaps) // (2 * examples_a_row)
    return width, int(width * _ASPECT)


def make_example(
    result: ResultOut,
    image: bytes,
    class_map: bytes,
    classes: Sequence[ClassOut],
    *,
    size_px: tuple[int, int],
    caption: str,
    palette: PaletteName,
) -> Example:
    """An example from an ROI's image and class map as they were downloaded; raises `FileRefused`, `ImageUnreadable`."""
    try:
        with Image.open(BytesIO(image)) as opened:
            own_px = opened.size
            opened.draft("RGB", size_px)  # JPEG is decoded smaller at once
            picture = opened.convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise FileRefused(f"the image of {result.roi}, {error}") from error
    scale = min(size_px[0] / own_px[0], size_px[1] / own_px[1])
    fitted_px = max(1, round(own_px[0] * scale)), max(1, round(own_px[1] * scale))
    picture = picture.resize(fitted_px, Image.Resampling.BOX)
    found = at_pixels(
        decode_class_map(class_map),
        height_px=fitted_px[1],
        width_px=fitted_px[0],
        extent_px=(result.class_map.extent_width_px * scale, result.class_map.extent_height_px * scale),
    )
    return Example(
        image=picture,
        overlay=_blend(picture, found, classes, palette),
        caption=caption,
        pixel_um=result.roi_mpp / scale,
    )


def _blend(
    picture: Image.Image, class_map: np.ndarray, classes: Sequence[ClassOut], palette: PaletteName
) -> Image.Image:
    share, tint = np.zeros((256, 1), dtype=np.float32), np.zeros((256, 3), dtype=np.float32)
    for each in classes:
        share[each.index] = 0.0 if each.group is ClassGroup.BACKGROUND else OVERLAY_ALPHA
        tint[each.index] = _colour(each, palette)
    blended = np.asarray(picture) * (1 - share)[class_map] + (tint * share)[class_map]
    return Image.fromarray(blended.round().astype(np.uint8))


def _colour(tissue: ClassOut, palette: PaletteName) -> Rgb:
    return tissue.simplified_rgb if palette is PaletteName.SIMPLIFIED else tissue.detailed_rgb


def draw_plate(
    title: str,
    rows: Sequence[ExampleRow],
    *,
    examples_a_row: int,
    legend: Mapping[str, Sequence[Rgb]],
    note: str,
) -> Image.Image:
    """A plate: for each row its title, and its examples with captions below; at the bottom what holds for all."""
    width, height = panel_px(examples_a_row)
    row_px = _ROW_TITLE_PX + height + _CAPTION_PX + _GAP_PX
    plate = Image.new("RGB", (_WIDTH_PX, _TITLE_PX + len(rows) * row_px + _TITLE_PX + _LINE_PX), _PAPER)
    draw = ImageDraw.Draw(plate)
    _write(draw, (_MARGIN_PX, _MARGIN_PX), title, size_px=_TITLE_FONT_PX)
    for number, row in enumerate(rows):
        top = _TITLE_PX + number * row_px
        _write(draw, (_MARGIN_PX, top + 8), row.title)
        for place, example in enumerate(row.examples):
            left = _MARGIN_PX + place * (2 * width + _GAP_PX + _PAIR_GAP_PX)
            _draw_example(plate, draw, example, at=(left, top + _ROW_TITLE_PX), panel=(width, height))
    bottom = plate.height - _TITLE_PX - _LINE_PX + 16
    _draw_legend(draw, legend, top=bottom)
    _write(draw, (_MARGIN_PX, bottom + _LINE_PX + 8), note, size_px=_SMALL_PX)
    return plate


def _draw_example(
    plate: Image.Image, draw: ImageDraw.ImageDraw, example: Example, *, at: tuple[int, int], panel: tuple[int, int]
) -> None:
    left, top = at
    plate.paste(example.image, (left, top))
    plate.paste(example.overlay, (left + example.image.width + _GAP_PX, top))
    _draw_scale_bar(draw, example, left=left, bottom=top + example.image.height)
    for number, line in enumerate(example.caption.splitlines()):
        fitted = _fit(draw, line, 2 * panel[0] + _GAP_PX)
        _write(draw, (left, top + panel[1] + 6 + number * _LINE_PX), fitted, size_px=_SMALL_PX)


def _draw_scale_bar(draw: ImageDraw.ImageDraw, example: Example, *, left: int, bottom: int) -> None:
    length_um = scale_bar_um(example.image.width * example.pixel_um)
    length_px = round(length_um / example.pixel_um)
    label = f"{length_um} µm" if length_um < 1000 else f"{length_um / 1000:g} mm"
    box = (left + 16, bottom - 16 - _BAR_PX, left + 16 + length_px, bottom - 16)
    draw.rectangle((box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2), fill=_WHITE)
    draw.rectangle(box, fill=_BLACK)
    where = (box[0], box[1] - _SMALL_PX - 12)
    draw.text(where, label, fill=_BLACK, font=_font(_SMALL_PX), stroke_width=4, stroke_fill=_WHITE)


def make_legend(classes: Sequence[ClassOut], palette: PaletteName) -> dict[str, list[Rgb]]:
    """What the colours of overlays stand for, background left out: groups of classes, and other tissue."""
    groups: dict[Rgb, set[ClassGroup]] = {}
    for each in classes:
        if each.group is not ClassGroup.BACKGROUND:
            groups.setdefault(_colour(each, palette), set()).add(each.group)
    legend: dict[str, list[Rgb]] = {}
    for colour, found in groups.items():
        label = ", ".join(group.replace("_", " ") for group in ClassGroup if group in found)
        legend.setdefault("other tissue" if ClassGroup.OTHER in found else label, []).append(colour)
    return legend


def _draw_legend(draw: ImageDraw.ImageDraw, legend: Mapping[str, Sequence[Rgb]], *, top: int) -> None:
    left = _MARGIN_PX
    for label, colours in legend.items():
        for colour in colours:
            draw.rectangle((left, top, left + _SMALL_PX, top + _SMALL_PX), fill=colour, outline=(150, 150, 150))
            left += _SMALL_PX + 6
        _write(draw, (left + 4, top - 2), label, size_px=_SMALL_PX)
        left += 44 + round(draw.textlength(label, font=_font(_SMALL_PX)))


def draw_classes(segmenters: Mapping[str, Sequence[ClassOut]]) -> Image.Image:
    """The table of classes and colours, as the article's Supplementary Table 1: a column a segmenter."""
    step_px, line_px = (_WIDTH_PX - 2 * _MARGIN_PX) // max(1, len(segmenters)), 2 * _CLASS_PX + 18
    lines = max(len(classes) for classes in segmenters.values())
    table = Image.new("RGB", (_WIDTH_PX, _TITLE_PX + (lines + 2) * line_px + _TITLE_PX), _PAPER)
    draw = ImageDraw.Draw(table)
    _write(draw, (_MARGIN_PX, _MARGIN_PX), "Classes and colours", size_px=_TITLE_FONT_PX)
    for place, (name, classes) in enumerate(segmenters.items()):
        left = _MARGIN_PX + place * step_px
        _write(draw, (left, _TITLE_PX + 8), name)
        for number, tissue in enumerate(classes, 1):
            top = _TITLE_PX + 20 + number * line_px
            for swatch, colour in enumerate((tissue.simplified_rgb, tissue.detailed_rgb)):
                at = left + swatch * (_SMALL_PX + 6)
                draw.rectangle((at, top, at + _SMALL_PX, top + _SMALL_PX), fill=colour, outline=(150, 150, 150))
            at = left + 2 * (_SMALL_PX + 6) + 4
            label = _wrap(draw, f"{tissue.index} {tissue.name}", left + step_px - at - _GAP_PX)
            _write(draw, (at, top - 2), label, size_px=_CLASS_PX)
    note = "Left of each name the simplified palette, which overlays have, then the detailed one."
    _write(draw, (_MARGIN_PX, table.height - _TITLE_PX + 24), note, size_px=_SMALL_PX)
    return table


def encode_plate(plate: Image.Image) -> bytes:
    """The plate as a PNG of 300 dpi."""
    file = BytesIO()
    plate.save(file, "PNG", dpi=(DPI, DPI))
    return file.getvalue()


def _fit(draw: ImageDraw.ImageDraw, text: str, width_px: int) -> str:
    """The text, cut in its middle where it is too wide."""
    kept = text
    while draw.textlength(kept, font=_font(_SMALL_PX)) > width_px and len(kept) > 4:
        half = (len(kept) - 2) // 2
        kept = f"{text[:half]}…{text[-half:]}"
    return kept


def _wrap(draw: ImageDraw.ImageDraw, text: str, width_px: int) -> str:
    """The text with line breaks between words where a line would be too wide."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=_font(_CLASS_PX)) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, *, size_px: int = _FONT_PX) -> None:
    draw.text(at, text, fill=_INK, font=_font(size_px))


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as Pillow's own font has neither umlauts nor Greek letters, and systems have different ones."""
    return ImageFont.truetype(BytesIO(files("pantile.client.fonts").joinpath("DejaVuSans.ttf").read_bytes()), size_px)
