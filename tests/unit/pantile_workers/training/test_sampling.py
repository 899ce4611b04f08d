"""Batches hold equally many patches of each class, and rare classes come as often as tumor."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Training
from pantile_workers.training.sampling import PatchIndex, count_steps, draw_epoch, index_patches, list_draws
from pantile_workers.training.tissue import LabelledTissue, find_files, keep_tissue

MakeTraining = Callable[..., Training]

SHOWS = np.array([[1, 0, 0, 0, 0]] * 20 + [[0, 1, 0, 0, 0]] * 6 + [[0, 0, 0, 1, 0]] * 2, dtype=np.bool_)
INDEX = PatchIndex(corners=np.zeros((len(SHOWS), 3), np.int64), shows=SHOWS)
"""20 patches of class 0, 6 of tumor (class 1), 2 of class 3."""


def tissue_of(class_map: NDArray[np.uint8]) -> LabelledTissue:
    pixels = np.concatenate([np.zeros((*class_map.shape, 3), np.uint8), class_map[..., None]], axis=-1)
    return LabelledTissue(name="n", case="c", digest="d", pixels=pixels, class_pixels=(1, 1, 1, 1, 1))


def test_each_batch_holds_equally_many_patches_of_each_class(make_training: MakeTraining) -> None:
    training = make_training(batches={"size": 6, "steps": 0})

    order = draw_epoch(INDEX, training, epoch=0)

    assert np.all(SHOWS[order].sum(axis=1)[:, [0, 1, 3]] == 2)


def test_an_epoch_shows_rare_classes_as_often_as_tumor_and_each_tumor_patch_once(make_training: MakeTraining) -> None:
    training = make_training(batches={"size": 6, "steps": 0})

    order = draw_epoch(INDEX, training, epoch=0)

    assert order.shape == (3, 6)
    assert sorted(patch for patch in order.ravel() if SHOWS[patch, 1]) == list(range(20, 26))
    assert np.bincount(order.ravel(), minlength=28)[26:].tolist() == [3, 3]


def test_as_they_are_found_each_patch_comes_once(make_training: MakeTraining) -> None:
    training = make_training(batches={"size": 4, "steps": 0, "balance": "none"})

    order = draw_epoch(INDEX, training, epoch=0)

    assert sorted(order.ravel()) == list(range(28))


def test_an_epoch_can_be_made_of_a_number_of_steps(make_training: MakeTraining) -> None:
    training = make_training(batches={"size": 4, "steps": 50})

    assert count_steps(INDEX, training) == 50
    assert draw_epoch(INDEX, training, epoch=1).shape == (50, 4)


def test_an_epoch_is_the_same_each_time_and_another_than_the_next(make_training: MakeTraining) -> None:
    training = make_training(batches={"size": 6, "steps": 0})

    first, again, second = (draw_epoch(INDEX, training, epoch=epoch) for epoch in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_draws_have_one_number_each_in_the_whole_training() -> None:
    order = np.arange(6).reshape(3, 2)

    draws = [draw for step in list_draws(order, first_step=3, from_step=1) for draw in step]

    assert [(draw.number, draw.patch) for draw in draws] == [(8, 2), (9, 3), (10, 4), (11, 5)]


def test_patches_cover_an_image_to_its_end_and_show_what_covers_enough_of_them(make_training: MakeTraining) -> None:
    class_map = np.full((100, 64), 255, np.uint8)
    class_map[:10] = 1
    class_map[99, :5] = 2
    training = make_training(batches={"stride_px": 64, "least_share": 0.02})

    index = index_patches([tissue_of(class_map)], training)

    assert index.corners.tolist() == [[0, 0, 0]]
    assert index.shows.tolist() == [[False, True, False, False, False]]


def test_an_image_smaller_than_a_patch_is_one_patch(make_training: MakeTraining) -> None:
    index = index_patches([tissue_of(np.ones((20, 30), np.uint8))], make_training())

    assert index.corners.tolist() == [[0, 0, 0]]


def test_without_a_patch_of_tumor_there_is_nothing_to_learn(make_training: MakeTraining, tmp_path: Path) -> None:
    tissues = keep_tissue(find_files(make_training().tissue), make_training(), tmp_path, on_image=lambda: None)

    assert index_patches(tissues[:1], make_training()).by_class[1] > 0
    with pytest.raises(TrainingRefused, match="shows tumor"):
        index_patches([tissue_of(np.zeros((64, 64), np.uint8))], make_training())
