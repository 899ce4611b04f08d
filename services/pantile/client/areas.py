"""Areas as tables: a row a class in `class_areas.csv`, a class map in `summary.csv`, a slide in `slides.csv`."""

from collections.abc import Iterable, Sequence

from pantile.domain.class_maps import ClassGroup
from pantile.domain.csv_text import Cell, write_csv
from pantile.schemas.results import ResultOut

_WHAT = (
    *("cohort", "case", "slide", "roi", "roi_number", "tissue_type", "roi_mpp"),
    *("segmenter", "segmenter_version", "mode", "stitching", "precision"),
)
AREA_COLUMNS = (*_WHAT, "class", "group", "area_mm2", "fraction")
SUMMARY_COLUMNS = (
    *_WHAT,
    "total_mm2",
    "tumor_mm2",
    "tumor_stroma_mm2",
    "tumor_stroma_ratio",
    "necrosis_fraction",
    "mean_confidence",
    "job_id",
    "class_map_sha256",
)


SLIDE_COLUMNS = (
    *("cohort", "case", "slide", "tissue_type", "segmenter", "segmenter_version", "mode", "stitching", "precision"),
    *("rois", "total_mm2", "tumor_mm2", "tumor_stroma_mm2", "tumor_stroma_ratio", "necrosis_fraction"),
)


def area_table(cohort: str, results: Iterable[ResultOut]) -> str:
    """CSV of the area (mm²) and fraction of each class of each class map."""
    return write_csv(
        AREA_COLUMNS,
        (
            (*_what(cohort, result), area.name, area.group.value, area.area_mm2, area.fraction)
            for result in results
            for area in result.class_map.areas
        ),
    )


def summary_table(cohort: str, results: Iterable[ResultOut]) -> str:
    """CSV of each class map's tumor, tumor stroma and their ratio; the ratio is empty where there is neither."""
    return write_csv(SUMMARY_COLUMNS, (_summary(cohort, result) for result in results))


def slide_table(cohort: str, results: Iterable[ResultOut]) -> str:
    """CSV of each slide's ROIs of one tissue type taken together, by segmenter and settings."""
    slides: dict[tuple[Cell, ...], list[ResultOut]] = {}
    for result in results:
        slides.setdefault(_of_slide(cohort, result), []).append(result)
    return write_csv(SLIDE_COLUMNS, ((*key, len(own), *_sums(own)) for key, own in slides.items()))


def _of_slide(cohort: str, result: ResultOut) -> tuple[Cell, ...]:
    return (
        *(cohort, result.case, result.slide, result.tissue_type.value, result.segmenter, result.segmenter_version),
        *(result.mode.value, result.stitching.value, result.precision.value),
    )


def _sums(results: Sequence[ResultOut]) -> tuple[Cell, ...]:
    """Total, tumor and stroma in mm², their ratio, and the share of necrosis, where the segmenter knows it."""
    areas = [area for result in results for area in result.class_map.areas]
    total = sum(area.area_mm2 for area in areas)
    tumor, stroma, necrosis = (
        sum(area.area_mm2 for area in areas if area.group is group)
        for group in (ClassGroup.TUMOR, ClassGroup.TUMOR_STROMA, ClassGroup.NECROSIS)
    )
    knows_necrosis = total > 0 and any(area.group is ClassGroup.NECROSIS for area in areas)
    return (
        *(total, tumor, stroma, stroma / (tumor + stroma) if tumor + stroma > 0 else None),
        necrosis / total if knows_necrosis else None,
    )


def group_area_mm2(result: ResultOut, group: ClassGroup) -> float:
    """The area of all classes of a group in a class map."""
    return sum(area.area_mm2 for area in result.class_map.areas if area.group is group)


def _what(cohort: str, result: ResultOut) -> tuple[Cell, ...]:
    return (
        cohort,
        result.case,
        result.slide,
        result.roi,
        result.roi_number,
        result.tissue_type.value,
        result.roi_mpp,
        result.segmenter,
        result.segmenter_version,
        result.mode.value,
        result.stitching.value,
        result.precision.value,
    )


def _summary(cohort: str, result: ResultOut) -> tuple[Cell, ...]:
    necrosis = [area.fraction for area in result.class_map.areas if area.group is ClassGroup.NECROSIS]
    return (
        *_what(cohort, result),
        sum(area.area_mm2 for area in result.class_map.areas),
        group_area_mm2(result, ClassGroup.TUMOR),
        group_area_mm2(result, ClassGroup.TUMOR_STROMA),
        result.class_map.tumor_stroma_ratio,
        sum(necrosis) if necrosis else None,
        result.class_map.confidence.mean if result.class_map.confidence else None,
        result.job_id,
        result.class_map.sha256,
    )
