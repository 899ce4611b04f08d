"""Tables of areas say what was measured, and cannot carry formulas."""

import csv
import io

from pantile.client.areas import AREA_COLUMNS, SUMMARY_COLUMNS, area_table, slide_table, summary_table
from pantile.domain.class_maps import ClassGroup
from pantile.domain.rois import TissueType
from pantile.schemas.class_maps import AreaOut, ClassMapOut
from pantile.schemas.results import ImageOut, ResultOut


def result(*areas: tuple[str, ClassGroup, float], ratio: float | None = None, case: str = "TCGA-A2-A0D2") -> ResultOut:
    total = sum(area for _, _, area in areas)
    class_map = ClassMapOut(
        url="http://bucket/class-maps/x.png",
        sha256="a" * 64,
        width_px=10,
        height_px=10,
        map_mpp=1.0,
        extent_width_px=40.0,
        extent_height_px=40.0,
        areas=[
            AreaOut(name=name, group=group, area_mm2=area, fraction=area / total if total else 0)
            for name, group, area in areas
        ],
        tumor_stroma_ratio=ratio,
    )
    return ResultOut(
        roi="slide_tumor",
        slide="slide",
        case=case,
        tissue_type=TissueType.TUMOR,
        roi_number=1,
        roi_mpp=0.25,
        image=ImageOut(url="", sha256="c" * 64, width_px=4, height_px=4, format="jpg"),
        job_id=7,
        segmenter="toy",
        segmenter_version="1",
        class_map=class_map,
        overlay="none",
        overlay_url=None,
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_there_is_one_row_a_class() -> None:
    table = rows(area_table("C", [result(("tumor", ClassGroup.TUMOR, 0.75), ("fat", ClassGroup.OTHER, 0.25))]))

    assert [(row["class"], row["area_mm2"], row["fraction"]) for row in table] == [
        ("tumor", "0.75", "0.75"),
        ("fat", "0.25", "0.25"),
    ]
    assert tuple(table[0]) == AREA_COLUMNS


def test_the_summary_adds_up_the_classes_of_a_group() -> None:
    areas = [
        ("tumor", ClassGroup.TUMOR, 0.25),
        ("tumor in situ", ClassGroup.TUMOR, 0.25),
        ("stroma", ClassGroup.TUMOR_STROMA, 0.25),
        ("necrosis", ClassGroup.NECROSIS, 0.25),
    ]

    (row,) = rows(summary_table("C", [result(*areas, ratio=1 / 3)]))

    assert (row["total_mm2"], row["tumor_mm2"], row["tumor_stroma_mm2"]) == ("1", "0.5", "0.25")
    assert (row["tumor_stroma_ratio"], row["necrosis_fraction"]) == ("0.333333333", "0.25")
    assert tuple(row) == SUMMARY_COLUMNS


def test_what_a_segmenter_does_not_tell_is_empty() -> None:
    (row,) = rows(summary_table("C", [result(("glass", ClassGroup.BACKGROUND, 1.0))]))

    assert (row["tumor_stroma_ratio"], row["necrosis_fraction"]) == ("", "")


def test_text_that_a_spreadsheet_would_calculate_is_marked_as_text() -> None:
    (row,) = rows(summary_table("C", [result(("glass", ClassGroup.BACKGROUND, 1.0), case='=HYPERLINK("x")')]))

    assert row["case"] == '\'=HYPERLINK("x")'


def test_a_slides_rois_are_taken_together() -> None:
    first = result(("tumor", ClassGroup.TUMOR, 0.5), ("stroma", ClassGroup.TUMOR_STROMA, 0.25))
    second = result(("tumor", ClassGroup.TUMOR, 0.25), ("necrosis", ClassGroup.NECROSIS, 1.0))

    (row,) = rows(slide_table("C", [first, second]))

    assert (row["slide"], row["rois"], row["total_mm2"], row["tumor_mm2"]) == ("slide", "2", "2", "0.75")
    assert (row["tumor_stroma_ratio"], row["necrosis_fraction"]) == ("0.25", "0.5")


def test_a_slide_without_necrosis_among_its_classes_has_no_share_of_it() -> None:
    (row,) = rows(slide_table("C", [result(("fat", ClassGroup.OTHER, 1.0))]))

    assert (row["tumor_stroma_ratio"], row["necrosis_fraction"]) == ("", "")
