"""Files of results have names of their own, whatever a cohort holds of one ROI."""

from itertools import product
from pathlib import Path

import pytest

from pantile.client.result_files import ResultFiles
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.schemas.class_maps import ClassMapOut, ConfidenceOut
from pantile.schemas.cohorts import SegmenterCounts
from pantile.schemas.results import ImageOut, ResultOut
from pantile.schemas.settings import SettingsOut


def counts(*settings: SettingsOut, version: str = "1") -> SegmenterCounts:
    return SegmenterCounts(segmenter="toy", version=version, jobs={}, settings=list(settings))


def settings(
    *,
    mode: Mode = Mode.FAST,
    stitching: Stitching = Stitching.CENTRE,
    precision: Precision = Precision.FLOAT32,
    confidence: bool = False,
) -> SettingsOut:
    return SettingsOut(
        mode=mode, stitching=stitching, precision=precision, confidence=confidence, stride_px=384, margin_px=64
    )


def result(
    *,
    version: str = "1",
    mode: Mode = Mode.FAST,
    stitching: Stitching = Stitching.CENTRE,
    precision: Precision = Precision.FLOAT32,
    confidence: bool = False,
) -> ResultOut:
    class_map = ClassMapOut(
        url="",
        sha256="a" * 64,
        width_px=1,
        height_px=1,
        map_mpp=1.0,
        extent_width_px=4.0,
        extent_height_px=4.0,
        areas=[],
        tumor_stroma_ratio=None,
        confidence=ConfidenceOut(url="", sha256="b" * 64, mean=0.5) if confidence else None,
    )
    return ResultOut(
        roi="slide_tumor",
        slide="slide",
        case="case",
        tissue_type=TissueType.TUMOR,
        roi_number=1,
        roi_mpp=0.25,
        image=ImageOut(url="", sha256="c" * 64, width_px=4, height_px=4, format="jpg"),
        job_id=7,
        segmenter="toy",
        segmenter_version=version,
        mode=mode,
        stitching=stitching,
        precision=precision,
        class_map=class_map,
        overlay="none",
        overlay_url=None,
    )


def test_the_usual_settings_are_not_named() -> None:
    files = ResultFiles(Path(), (counts(settings(), settings(mode=Mode.EXACT, stitching=Stitching.BLEND)),))

    assert files.of(result(), "_overlay.jpg").name == "slide_tumor_toy_overlay.jpg"
    assert (
        files.of(result(mode=Mode.EXACT, stitching=Stitching.BLEND), ".png").name == "slide_tumor_toy-exact-blend.png"
    )


@pytest.mark.parametrize("precision", list(Precision))
def test_a_precision_alone_in_its_cohort_is_not_named(precision: Precision) -> None:
    files = ResultFiles(Path(), (counts(settings(precision=precision, confidence=True)),))

    assert files.of(result(precision=precision, confidence=True), ".png").name == "slide_tumor_toy.png"


def test_class_maps_of_other_settings_and_versions_do_not_share_a_file() -> None:
    ways = [
        {"mode": mode, "stitching": stitching, "precision": precision, "confidence": confidence}
        for mode, stitching, precision, confidence in product(Mode, Stitching, Precision, (False, True))
    ]
    files = ResultFiles(Path(), tuple(counts(*(settings(**way) for way in ways), version=version) for version in "12"))  # type: ignore[arg-type]  # of four types

    results = [result(version=version, **way) for version in "12" for way in ways]  # type: ignore[arg-type]  # the same

    assert len({files.of(each, ".png") for each in results}) == 32
