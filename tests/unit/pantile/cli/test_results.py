"""Files of results have names of their own, whatever a cohort holds of one ROI."""

from itertools import product
from pathlib import Path

from pantile.cli.results import Files
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Mode, Stitching
from pantile.schemas import ClassMapOut, ResultOut


def result(*, version: str = "1", mode: Mode = Mode.FAST, stitching: Stitching = Stitching.CENTRE) -> ResultOut:
    class_map = ClassMapOut(
        url="", sha256="a" * 64, width_px=1, height_px=1, map_mpp=1.0, areas=[], tumor_stroma_ratio=None
    )
    return ResultOut(
        roi="slide_tumor",
        slide="slide",
        case="case",
        tissue_type=TissueType.TUMOR,
        roi_number=1,
        roi_mpp=0.25,
        job_id=7,
        segmenter="toy",
        segmenter_version=version,
        mode=mode,
        stitching=stitching,
        class_map=class_map,
        overlay="none",
        overlay_url=None,
    )


def test_the_usual_settings_are_not_named() -> None:
    files = Files(Path(), frozenset())

    assert files.of(result(), "_overlay.jpg").name == "slide_tumor_toy_overlay.jpg"
    assert (
        files.of(result(mode=Mode.EXACT, stitching=Stitching.BLEND), ".png").name == "slide_tumor_toy-exact-blend.png"
    )


def test_class_maps_of_other_settings_and_versions_do_not_share_a_file() -> None:
    files = Files(Path(), frozenset({"toy"}))
    results = [
        result(version=version, mode=mode, stitching=stitching)
        for version, mode, stitching in product("12", Mode, Stitching)
    ]

    assert len({files.of(each, ".png") for each in results}) == 8
