"""Whose ground truth a file is, and what its indices mean."""

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.errors import GroundTruthRefused
from pantile.domain.ground_truth import (
    NamedRoi,
    RoiFinder,
    TruthScheme,
    check_shape,
    read_legend,
    scheme_of_card,
    study_scheme,
)
from pantile.domain.rois import TissueType

ROIS = [
    NamedRoi(id=1, name="S_tumor", slide="S", tissue_type=TissueType.TUMOR, roi_number=1, source="S_0.25_tumor"),
    NamedRoi(id=2, name="S_normal", slide="S", tissue_type=TissueType.NORMAL, roi_number=1, source="b"),
    NamedRoi(id=3, name="S_tumor_roi_2", slide="S", tissue_type=TissueType.TUMOR, roi_number=2, source="c_mask"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stem", "roi"),
    [
        ("S_tumor", 1),
        ("S_normal", 2),
        ("S_tumor_mask", 1),
        ("S_tumor_roi_2_ground_truth", 3),
        ("S_0.25_tumor", 1),
        ("S_0.25_tumor_mask", 1),
        ("c_mask", 3),
        ("S_class_map_ground_truth_roi_1", 1),
        ("S_class_map_ground_truth_roi_2", 3),
        ("S_class_map_ground_truth_roi_3", None),
        ("T_tumor", None),
        ("", None),
    ],
)
def test_a_file_is_named_after_its_roi(stem: str, roi: int | None) -> None:
    found = RoiFinder(ROIS).find(stem)

    assert (found.id if found else None) == roi


def _legend(text: str) -> TruthScheme:
    return read_legend(text.splitlines(keepends=True), "legend.csv")


def test_a_legend_names_targets_in_words_or_numbers() -> None:
    scheme = _legend("index,name,target\n0,glass,background\n1,cancer,1\n2,stroma,Tumor_Stroma\n255,nobody,ignored\n")

    assert scheme.remap(DiceProtocol.ARTICLE) == {0: 0, 1: 1, 2: 2, 255: 255}
    assert scheme.remap(DiceProtocol.PUBLISHED_CODE) == scheme.remap(DiceProtocol.ARTICLE)


def test_of_groups_all_but_tumor_and_its_stroma_are_background() -> None:
    scheme = _legend("name,index,group\ncancer,1,tumor\nnecrosis,3,necrosis\nstroma,2,tumor_stroma\n")

    assert scheme.remap(DiceProtocol.ARTICLE) == {1: 1, 3: 0, 2: 2}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "legend.csv is empty"),
        ("index,name\n1,a\n", "needs the columns index, name, and target or group"),
        ("index,name,target\nx,a,tumor\n", "line 2: the index 'x' is no whole number"),
        ("index,name,target\n1,a,tumour!\n", "line 2: the target 'tumour!' is none of"),
        ("index,name,target\n\n1,,tumor\n", "line 3: the class 1 has no name"),
        ("index,name,target\n300,a,tumor\n", "line 2: the class index 300 is not in 0-255"),
        ("index,name,target\n1,a,tumor\n1,b,tumor\n", "names the index 1 twice"),
        ("index,name,target\n1\n", "line 2: the target '' is none of"),
        ('index,name,target\n"1,a,tumor\n', "legend.csv is not CSV"),
    ],
)
def test_a_legend_that_cannot_be_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(GroundTruthRefused, match=sentence):
        _legend(text)


def test_the_studys_own_scheme_takes_what_it_does_not_name_for_background() -> None:
    scheme = study_scheme()

    scheme.check_indices([0, 1, 2, 8])

    assert scheme.remap(DiceProtocol.PUBLISHED_CODE) == {0: 0, 1: 1, 2: 2}


def test_an_index_that_a_legend_does_not_name_is_refused() -> None:
    with pytest.raises(GroundTruthRefused, match=r"it has the index 4, which its scheme legend\.csv does not name"):
        _legend("index,name,target\n1,a,tumor\n").check_indices([1, 4, 7])


def test_ground_truth_in_a_segmenters_classes_is_remapped_as_its_class_maps_are() -> None:
    card = load_shipped_cards()["prostate"]

    scheme = scheme_of_card(card, "TCGA-PRAD")

    benign = scheme.classes[2]
    assert benign.name == "N"
    assert benign.targets == {
        DiceProtocol.ARTICLE: Target.TUMOR,
        DiceProtocol.PUBLISHED_CODE: Target.TUMOR_STROMA,
    }


def test_a_class_map_has_the_shape_of_its_roi_at_any_resolution() -> None:
    check_shape(width_px=3125, height_px=2500, roi_width_px=12500, roi_height_px=10000)
    check_shape(width_px=3124, height_px=2500, roi_width_px=12500, roi_height_px=10000)

    with pytest.raises(GroundTruthRefused, match=r"2500 x 3125 px, which is not the shape"):
        check_shape(width_px=2500, height_px=3125, roi_width_px=12500, roi_height_px=10000)
