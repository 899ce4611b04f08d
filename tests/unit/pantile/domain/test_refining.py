"""Labels hold where a segmenter found what they allow."""

import numpy as np
import pytest

from pantile.domain.class_maps import ClassGroup
from pantile.domain.errors import GroundTruthRefused
from pantile.domain.refining import IGNORED, Allowance, find_allowed, keep_allowed, parse_allowance, refine

CLASSES = [
    (0, "GLASS", ClassGroup.BACKGROUND),
    (1, "Invasive tumor", ClassGroup.TUMOR),
    (2, "DCIS", ClassGroup.TUMOR),
    (3, "Benign gland", ClassGroup.BENIGN_EPITHELIUM),
]


def test_a_region_stays_where_its_classes_were_found() -> None:
    annotation = np.array([[4, 4, 4, 3], [0, 7, 4, 3]], dtype=np.uint8)
    class_map = np.array([[1, 3, 0, 3], [1, 0, 2, 1]], dtype=np.uint8)

    fine = refine(annotation, class_map, {4: {1, 2}, 3: {3}}, outside=0)

    # 7 is named by no rule, and stays as it was drawn, on glass, too.
    assert fine.tolist() == [[4, 0, 0, 3], [0, 7, 4, 0]]
    assert fine.dtype == np.uint8


def test_of_a_labelled_image_only_allowed_classes_stay() -> None:
    class_map = np.array([[0, 1], [2, 3]], dtype=np.uint8)

    assert keep_allowed(class_map, {1, 2}).tolist() == [[IGNORED, 1], [2, IGNORED]]


def test_classes_are_allowed_by_name_or_group() -> None:
    assert find_allowed(Allowance("x", ("tumor",)), CLASSES) == {1, 2}
    assert find_allowed(Allowance("x", ("benign gland", "dcis")), CLASSES) == {2, 3}
    with pytest.raises(GroundTruthRefused, match="no class or group mucin; its classes are GLASS, Invasive tumor"):
        find_allowed(Allowance("x", ("mucin",)), CLASSES)


@pytest.mark.parametrize(
    ("text", "label", "classes"),
    [("gleason 4 = tumor, DCIS", "gleason 4", ("tumor", "DCIS")), ("a=b=c", "a=b", ("c",))],
)
def test_an_allowance_is_read(text: str, label: str, classes: tuple[str, ...]) -> None:
    assert parse_allowance(text) == Allowance(label, classes)


@pytest.mark.parametrize("text", ["tumor", "=tumor", "tumor=", "tumor=,"])
def test_what_is_no_allowance_is_refused(text: str) -> None:
    with pytest.raises(GroundTruthRefused, match="is no LABEL=CLASS,CLASS"):
        parse_allowance(text)
