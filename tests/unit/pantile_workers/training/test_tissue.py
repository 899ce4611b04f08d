"""Tissue is found, checked, and brought to the segmenter's mpp together with its class map."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Training
from pantile_workers.training.tissue import LabelledTissue, find_files, keep_tissue

MakeTraining = Callable[..., Training]


def keep(training: Training, folder: Path) -> list[LabelledTissue]:
    return keep_tissue(find_files(training.tissue), training, folder, on_image=lambda: None)


def write(folder: Path, image: np.ndarray[Any, Any], class_map: np.ndarray[Any, Any]) -> None:
    for kind, picture in (("images", image), ("truth", class_map)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / kind / "case-1.png")


def test_a_pattern_finds_images_with_class_maps_and_cases(make_training: MakeTraining, tissue_folder: Path) -> None:
    found = find_files(make_training().tissue)

    assert [labelled.case for labelled in found] == ["case-1", "case-2", "case-3", "case-4"]
    assert found[0].class_map == tissue_folder / "truth" / "case-1_roi.png"


def test_a_table_names_images_and_keeps_the_rows_asked_for(make_training: MakeTraining, tissue_folder: Path) -> None:
    lines = ["picture,truth,patient,um,stain"]
    lines += [
        f"images/case-{n}_roi.png,truth/case-{n}_roi.png,P{n},0.5,{'he' if n < 3 else 'ihc'}" for n in range(1, 5)
    ]
    (tissue_folder / "table.csv").write_text("\n".join(lines))
    columns = {"image": "picture", "class_map": "truth", "case": "patient", "mpp": "um"}
    table = {"table": "table.csv", "columns": columns, "rows": {"stain": ["he"]}}
    training = make_training(tissue={**table, "images": "", "class_maps": "", "case": "", "mpp": None})

    found = find_files(training.tissue)

    assert [(labelled.case, labelled.mpp) for labelled in found] == [("P1", 0.5), ("P2", 0.5)]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["image,case"], "no column class_map"),
        (["image,class_map,case", "nowhere.png,nowhere.png,a"], "no file .*nowhere.png"),
        (["image,class_map,case", "a.png,,a"], "row 2: class_map is empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    make_training: MakeTraining, tmp_path: Path, lines: list[str], sentence: str
) -> None:
    (tmp_path / "table.csv").write_text("\n".join(lines))
    tissue = {"folder": str(tmp_path), "table": "table.csv", "images": "", "class_maps": "", "case": ""}

    with pytest.raises(TrainingRefused, match=sentence):
        find_files(make_training(tissue=tissue).tissue)


def test_a_folder_that_is_not_there_is_refused(make_training: MakeTraining, tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match="no folder"):
        find_files(make_training(tissue={"folder": str(tmp_path / "nowhere")}).tissue)


def test_class_maps_follow_their_image_to_the_segmenters_mpp(make_training: MakeTraining, tmp_path: Path) -> None:
    class_map = np.kron(np.array([[0, 1], [2, 255]], np.uint8), np.ones((33, 40), np.uint8))
    write(tmp_path, np.repeat(class_map[..., None] % 200, 3, axis=2), class_map)
    training = make_training(tissue={"folder": str(tmp_path), "mpp": 0.5})

    (tissue,) = keep(training, tmp_path / "kept")

    assert tissue.pixels.shape == (33, 40, 4)
    assert np.array_equal(tissue.pixels[..., 3], class_map[1::2, 1::2])
    assert tissue.class_pixels == (16 * 20, 16 * 20, 17 * 20, 0, 0)


def test_the_ignored_index_is_a_setting(make_training: MakeTraining, tmp_path: Path) -> None:
    class_map = np.array([[0, 0, 1], [3, 9, 1]], np.uint8)
    write(tmp_path, np.zeros((2, 3, 3), np.uint8), class_map)
    training = make_training(tissue={"folder": str(tmp_path), "ignored": 0, "remap": {"9": 2}})

    (tissue,) = keep(training, tmp_path / "kept")

    assert tissue.pixels[..., 3].tolist() == [[255, 255, 1], [3, 2, 1]]


def test_an_index_outside_the_scheme_is_refused_with_the_file(make_training: MakeTraining, tmp_path: Path) -> None:
    write(tmp_path, np.zeros((2, 3, 3), np.uint8), np.array([[0, 1, 7], [0, 1, 255]], np.uint8))

    with pytest.raises(TrainingRefused, match=r"truth/case-1.png holds the index 7; the card has 0 to 4"):
        keep(make_training(tissue={"folder": str(tmp_path)}), tmp_path / "kept")


def test_a_class_map_of_another_size_is_refused_with_both_files(make_training: MakeTraining, tmp_path: Path) -> None:
    write(tmp_path, np.zeros((2, 3, 3), np.uint8), np.zeros((3, 3), np.uint8))

    with pytest.raises(TrainingRefused, match=r"images/case-1.png has 3 x 2 pixels, .*truth/case-1.png has 3 x 3"):
        keep(make_training(tissue={"folder": str(tmp_path)}), tmp_path / "kept")


def test_a_file_that_is_no_image_is_refused_with_its_name(make_training: MakeTraining, tmp_path: Path) -> None:
    write(tmp_path, np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3), np.uint8))
    (tmp_path / "images" / "case-1.png").write_text("no image")

    with pytest.raises(TrainingRefused, match=r"images/case-1.png with case-1.png"):
        keep(make_training(tissue={"folder": str(tmp_path)}), tmp_path / "kept")


def test_a_square_beyond_the_image_is_white_and_unknown(make_training: MakeTraining, tmp_path: Path) -> None:
    tissue = keep(make_training(), tmp_path)[0]

    square = tissue.cut(100, 140, 64)

    assert np.array_equal(square[:28, :20], tissue.pixels[100:, 140:])
    assert np.all(square[28:] == 255)
    assert np.all(square[:, 20:] == 255)
