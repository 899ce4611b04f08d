"""What the gallery tells of a class map besides its picture: classes with colours and areas, and a scale bar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pantile.catalog.database import Row
from pantile.domain.class_maps import ClassArea, ClassGroup, Rgb, class_areas, tumor_stroma_ratio
from pantile.domain.deep_zoom import count_levels
from pantile.domain.legends import LEGEND, LegendPalette, colours_of
from pantile.domain.segmenters import Card, card_from

_NAMED = 3
"""Classes that a card names, the largest ones."""

_BAR_SHARE = 0.25
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendLine:
    """A class as a legend names it; without a colour where the picture is clear."""

    label: str
    colour: str | None
    area: ClassArea
    shared_label: str
    """What all classes of this colour are called, where a colour stands for a group of classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownResult:
    """One class map of the gallery."""

    row: Row
    card: Card
    lines: tuple[LegendLine, ...]
    tumor_stroma_ratio: float | None

    @property
    def job_id(self) -> int:
        """Its job."""
        return int(self.row["job_id"])

    @property
    def named(self) -> list[LegendLine]:
        """The largest classes, background left out."""
        there = [line for line in self.lines if line.area.group is not ClassGroup.BACKGROUND and line.area.fraction > 0]
        return sorted(there, key=lambda line: -line.area.fraction)[:_NAMED]


def closer_look(row: Row, palette: LegendPalette) -> dict[str, object]:
    """Where the tiles of an ROI's image and the picture of its class map are, for the script that zooms into them."""
    return {
        "image": {
            "url": f"/gallery/images/{row['image_sha256']}",
            "width_px": row["width_px"],
            "height_px": row["height_px"],
            "tile_px": row["tile_px"],
            "overlap": row["overlap_px"],
            "levels": count_levels(row["width_px"], row["height_px"]),
            "format": "jpg",
        },
        "map": {
            "url": f"/gallery/class-maps/{row['job_id']}/{palette}-large.png",
            "extent_width_px": row["extent_width_px"],
            "extent_height_px": row["extent_height_px"],
        },
        "mpp": row["roi_mpp"],
    }


def shown_result(row: Row, palette: LegendPalette) -> ShownResult:
    """A row of `catalog.galleries` in the colours of a palette."""
    card = card_from(row["card"])
    areas = class_areas(row["class_pixels"], card.scheme, row["map_mpp"])
    lines = tuple(
        LegendLine(label=area.name, colour=_hex(colour), area=area, shared_label=_shared(area, palette))
        for area, colour in zip(areas, colours_of(card.scheme, palette), strict=True)
    )
    return ShownResult(row=row, card=card, lines=lines, tumor_stroma_ratio=tumor_stroma_ratio(areas))


def _shared(area: ClassArea, palette: LegendPalette) -> str:
    if palette is not LegendPalette.ACCESSIBLE:
        return area.name
    return next(entry.label for entry in LEGEND if entry.group is area.group)


def by_roi(results: Sequence[ShownResult]) -> list[list[ShownResult]]:
    """Class maps of one ROI together, in their order."""
    grouped: dict[int, list[ShownResult]] = {}
    for result in results:
        grouped.setdefault(result.row["roi_id"], []).append(result)
    return list(grouped.values())


def common_legend(results: Iterable[ShownResult]) -> list[tuple[str, str]]:
    """Labels and colours of what occurs in any of these, each pair once, the largest first."""
    lines: dict[tuple[str, str], list[LegendLine]] = {}
    for result in results:
        for line in result.lines:
            if line.colour and line.area.fraction > 0:
                lines.setdefault((line.shared_label, line.colour), []).append(line)
    return sorted(lines, key=lambda pair: -sum(line.area.fraction for line in lines[pair]))


def scale_bar(width_px: int, mpp: float) -> dict[str, Any]:
    """A bar of a round length, about a quarter of the picture: its length in the image's pixels, and in words."""
    longest_um = width_px * mpp * _BAR_SHARE
    power = 10 ** (len(str(int(max(1.0, longest_um)))) - 1)
    um = max((nice * power for nice in _NICE if nice * power <= longest_um), default=1)
    return {"px": um / mpp, "label": f"{um / 1000:g} mm" if um >= 1000 else f"{um} µm"}


def _hex(colour: Rgb | None) -> str | None:
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}" if colour else None
