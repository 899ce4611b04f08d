import numpy as np
import pytest
import torch
from torch import Tensor

from pantile.domain.patches import Patch, plan_grid
from pantile.domain.segmenters import Stitching
from pantile_workers.inference.stitching import Stitcher, blend_weights, keep_centres, make_stitcher
from pantile_workers.inference.windows import kept_window, whole

SIDE = 64
SIZES = [(150, 205), (20, 300), (64, 64), (1, 1), (113, 112)]


def _plan(height: int, width: int) -> list[Patch]:
    return plan_grid(height, width, patch_px=SIDE, stride_px=48, margin_px=8)


def _stitch(logits: Tensor, patches: list[Patch], size: tuple[int, int], stitching: Stitching, batch: int) -> Stitcher:
    stitcher = make_stitcher(
        stitching, size, classes=logits.shape[1], patch_px=SIDE, confidence=True, device=torch.device("cpu")
    )
    for first in range(0, len(patches), batch):
        own = patches[first : first + batch]
        wanted = stitcher.window(own).take(logits[first : first + batch], whole(logits))
        stitcher.add(own, stitcher.reduce(wanted))
    stitcher.finish()
    return stitcher


def _logits(count: int, *, classes: int = 3) -> Tensor:
    return torch.randn((count, classes, SIDE, SIDE), generator=torch.Generator().manual_seed(count)) * 3


def test_patches_cut_from_an_image_stitch_back_to_it() -> None:
    height, width = 150, 205
    image = torch.randint(0, 256, (height, width), dtype=torch.uint8)
    patches = _plan(height, width)
    padded = torch.zeros((height + SIDE, width + SIDE), dtype=torch.uint8)
    padded[:height, :width] = image
    cut = torch.stack([padded[patch.row.start :, patch.column.start :][:SIDE, :SIDE].clone() for patch in patches])
    stitched = torch.empty_like(image)

    keep_centres(stitched, patches, kept_window(patches).take(cut, whole(cut)))

    assert torch.equal(stitched, image)


def test_the_margins_of_inner_patches_are_left_out() -> None:
    patches = _plan(64, 200)
    cut = torch.zeros((len(patches), 64, 64), dtype=torch.uint8)
    for patch, classes in zip(patches, cut, strict=True):
        classes[:, :8] = 9 if patch.column.start > 0 else 0
    stitched = torch.full((64, 200), 7, dtype=torch.uint8)

    keep_centres(stitched, patches, kept_window(patches).take(cut, whole(cut)))

    assert int(stitched.max()) == 0


@pytest.mark.parametrize("size", SIZES)
def test_blending_is_the_weighted_sum_divided_by_the_summed_weights(size: tuple[int, int]) -> None:
    patches = _plan(*size)
    logits = _logits(len(patches))
    sums = np.zeros((3, size[0] + SIDE, size[1] + SIDE))
    weight_sums = np.zeros(sums.shape[1:])
    away = (np.arange(SIDE) - 31.5) / 8.0
    weights = np.exp(-(away[:, None] ** 2 + away**2) / 2)
    for patch, own in zip(patches, logits.softmax(dim=1).numpy(), strict=True):
        place = (slice(patch.row.start, patch.row.start + SIDE), slice(patch.column.start, patch.column.start + SIDE))
        sums[:, *place] += own * weights
        weight_sums[place] += weights
    expected = (sums / np.maximum(weight_sums, 1e-30))[:, : size[0], : size[1]]

    classes, confidence = _stitch(logits, patches, size, Stitching.BLEND, batch=4).planes

    # float32 sums: a tie may fall the other way.
    assert (classes.numpy() == expected.argmax(axis=0)).mean() > 0.999
    assert np.abs(confidence.numpy() - 255 * expected.max(axis=0)).max() <= 0.51


@pytest.mark.parametrize("size", SIZES)
def test_where_all_patches_say_the_same_blending_says_it_too(size: tuple[int, int]) -> None:
    patches = _plan(*size)
    logits = torch.tensor([0.3, 1.7, -0.5]).view(1, 3, 1, 1).expand(len(patches), 3, SIDE, SIDE)

    blended, kept = (_stitch(logits, patches, size, stitching, batch=3).planes for stitching in reversed(Stitching))

    assert torch.equal(blended[0], kept[0])
    assert set(blended[0].flatten().tolist()) == {1}
    # 255 times e^1.7 / (e^0.3 + e^1.7 + e^-0.5) is 187.9: dividing by anything but the weights would show.
    assert set(blended[1].flatten().tolist()) == set(kept[1].flatten().tolist()) == {188}


def test_a_patch_counts_less_towards_its_border() -> None:
    patches = _plan(56, 104)
    logits = torch.zeros((2, 2, SIDE, SIDE))
    logits[0, 0], logits[1, 1] = 9.0, 9.0

    classes, confidence = _stitch(logits, patches, (56, 104), Stitching.BLEND, batch=1).planes

    # The patches lie at 0 and 48, so that their middles are as far from column 56 on either side.
    assert classes[30].tolist() == [0] * 56 + [1] * 48
    # 24.5 px from one middle and 23.5 from the other, with a standard deviation of 8: e^(48 / 128) to 1.
    assert int(confidence[30, 56]) == 151
    assert int(confidence[30, 75]) > 250


@pytest.mark.parametrize("stitching", list(Stitching))
@pytest.mark.parametrize("batch", [1, 5, 99])
def test_the_batch_size_does_not_alter_what_is_stitched(stitching: Stitching, batch: int) -> None:
    patches = _plan(150, 205)
    logits = _logits(len(patches))

    first = _stitch(logits, patches, (150, 205), stitching, batch=4).planes
    second = _stitch(logits, patches, (150, 205), stitching, batch=batch).planes

    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_weights_are_the_same_on_all_sides_and_positive_to_the_corners() -> None:
    weights = blend_weights(512)

    assert torch.equal(weights, weights.flip(0).flip(1))
    assert torch.equal(weights, weights.T)
    assert float(weights.min()) > 1e-8
    assert float(weights[256, 256]) == pytest.approx(1.0, abs=1e-4)
    # One standard deviation from the middle, an eighth of the patch.
    assert float(weights[256, 256 + 64] / weights[256, 256]) == pytest.approx(np.exp(-0.5), abs=5e-3)
