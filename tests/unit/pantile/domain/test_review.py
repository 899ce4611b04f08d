"""How sure a segmenter is, and how far segmenters differ, on the tissue of an ROI."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.review import Opinion, disagreement, mean_confidence


def scheme(*groups: ClassGroup) -> ClassScheme:
    return ClassScheme(
        tuple(
            TissueClass(index=index, name=group, group=group, simplified_rgb=(0, 0, 0), detailed_rgb=(0, 0, 0))
            for index, group in enumerate(groups)
        )
    )


GLASS, TUMOR, STROMA, FAT = ClassGroup.BACKGROUND, ClassGroup.TUMOR, ClassGroup.TUMOR_STROMA, ClassGroup.OTHER
COMMON = scheme(GLASS, TUMOR, STROMA, FAT)


def opinion(
    rows: list[list[int]],
    *,
    own: ClassScheme = COMMON,
    map_mpp: float = 1.0,
    extent_px: tuple[float, float] | None = None,
) -> Opinion:
    class_map = np.array(rows, dtype=np.uint8)
    height, width = class_map.shape
    return Opinion(class_map=class_map, scheme=own, map_mpp=map_mpp, extent_px=extent_px or (4 * width, 4 * height))


def test_segmenters_of_one_mind_do_not_disagree() -> None:
    assert disagreement([opinion([[1, 2, 3]])] * 3) == 0.0


def test_disagreement_is_the_share_of_pairs_that_differ() -> None:
    opinions = [opinion([[1, 1]]), opinion([[1, 2]]), opinion([[1, 3]]), opinion([[2, 3]])]

    # Of the six pairs, three differ on the first pixel and five on the second.
    assert disagreement(opinions) == pytest.approx((3 / 6 + 5 / 6) / 2)


@given(st.lists(st.lists(st.integers(1, 3), min_size=5, max_size=5), min_size=2, max_size=6))
def test_disagreement_is_one_minus_fleiss_observed_agreement(votes: list[list[int]]) -> None:
    raters = len(votes)
    counts = np.array([[column.count(group) for group in (1, 2, 3)] for column in zip(*votes, strict=True)])
    observed = ((counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))).mean()

    assert disagreement([opinion([vote]) for vote in votes]) == pytest.approx(1 - observed)


def test_classes_are_compared_by_what_they_stand_for() -> None:
    other = scheme(ClassGroup.MUCIN, STROMA, TUMOR)

    assert disagreement([opinion([[1, 2, 3]]), opinion([[2, 1, 0]], own=other)]) == 0.0


def test_glass_that_all_see_takes_no_part() -> None:
    assert disagreement([opinion([[0, 0, 0, 1]]), opinion([[0, 0, 0, 2]])]) == 1.0
    assert disagreement([opinion([[0, 0]]), opinion([[0, 0]])]) == 0.0


def test_glass_that_one_sees_counts_as_neither_tumor_nor_stroma() -> None:
    assert disagreement([opinion([[0, 0]]), opinion([[1, 3]])]) == 0.5


def test_class_maps_are_laid_over_each_other_by_their_extent() -> None:
    fine = opinion([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3]], extent_px=(16, 12))
    coarse = opinion([[1, 2], [3, 3]], map_mpp=2.0, extent_px=(16, 16))

    assert disagreement([fine, coarse]) == disagreement([coarse, fine]) == 0.0


def test_a_single_class_map_cannot_disagree() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        disagreement([opinion([[1]])])


def test_confidence_is_the_mean_over_tissue() -> None:
    confidence = np.array([[255, 255, 51, 153]], dtype=np.uint8)

    assert mean_confidence(confidence, np.array([[0, 0, 1, 3]], dtype=np.uint8), COMMON) == pytest.approx(0.4)


def test_confidence_on_glass_alone_is_the_mean_over_all() -> None:
    confidence = np.array([[255, 0]], dtype=np.uint8)

    assert mean_confidence(confidence, np.zeros((1, 2), dtype=np.uint8), COMMON) == pytest.approx(0.5)
