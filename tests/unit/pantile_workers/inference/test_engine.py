from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import current_thread

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.errors import SegmenterBroken
from pantile.domain.patches import plan_grid
from pantile.domain.segmenters import Card, EngineSettings, Stitching
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

MakeCard = Callable[..., Card]

SETTINGS = EngineSettings(stride_px=48, margin_px=8)


class _Brightness(nn.Module):
    """Class 1 where the pixel is bright, 2 where it is dark: a network that looks at one pixel only."""

    def forward(self, image: Tensor) -> Tensor:
        bright = image[:, :1]
        return torch.cat([torch.full_like(bright, -9.0), bright, -bright, torch.full_like(bright, -9.0)], dim=1)


class _Greedy(_Brightness):
    """Runs out of memory with more than two patches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, image: Tensor) -> Tensor:
        self.batches.append(len(image))
        if len(image) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(image)


class _Constant(nn.Module):
    """The same logit everywhere, in any number of channels."""

    def __init__(self, *, value: float, channels: int = 4) -> None:
        super().__init__()
        self._value, self._channels = value, channels

    def forward(self, image: Tensor) -> Tensor:
        return torch.full((len(image), self._channels, *image.shape[2:]), self._value)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(device="cpu", batch_patches=4) as running:
        yield running


@pytest.fixture
def image() -> RgbImage:
    noise = np.random.default_rng(0).integers(0, 256, (150, 205, 3), dtype=np.uint8)
    noise[:40, :60] = 230
    return noise


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    torch.manual_seed(3)
    network = smp.Unet("timm-efficientnet-b0", encoder_weights=None, classes=4).eval()
    path = tmp_path_factory.mktemp("checkpoints") / "unet.safetensors"
    save_file(network.state_dict(), path)
    return network, path


def _with(card: Card, network: nn.Module) -> LoadedSegmenter:
    return LoadedSegmenter(card=card, digest="0" * 64, network=network.eval())


def _patch_by_patch(image: RgbImage, network: nn.Module, card: Card) -> ClassMap:
    """The plain way: one padded copy, one patch at a time."""
    height, width = image.shape[:2]
    side = card.patch_px
    mean, std = (np.asarray(part, dtype=np.float32) for part in (card.normalisation.mean, card.normalisation.std))
    padded = np.full((height + side, width + side, 3), 255, dtype=np.uint8)
    padded[:height, :width] = image
    class_map = np.zeros((height, width), dtype=np.uint8)
    for patch in plan_grid(height, width, patch_px=side, stride_px=SETTINGS.stride_px, margin_px=SETTINGS.margin_px):
        top, left = patch.row.start, patch.column.start
        cut = padded[top : top + side, left : left + side].astype(np.float32) / 255
        normal = (cut - mean) / std
        with torch.inference_mode():
            logits = network(torch.from_numpy(normal.transpose(2, 0, 1)[None]))[0].numpy()
        rows, columns = patch.row, patch.column
        kept = logits.argmax(axis=0)[rows.keep_start - top : rows.keep_end - top]
        class_map[rows.keep_start : rows.keep_end, columns.keep_start : columns.keep_end] = kept[
            :, columns.keep_start - left : columns.keep_end - left
        ]
    return class_map


def test_a_network_that_sees_single_pixels_leaves_no_seams(
    engine: Engine, image: RgbImage, make_card: MakeCard
) -> None:
    segmentation = engine.segment(engine.place(image), _with(make_card(), _Brightness()), SETTINGS)

    expected = np.where(image[..., 0] / 255 > 0.485, 1, 2)
    assert segmentation.class_map.dtype == np.uint8
    assert np.array_equal(segmentation.class_map, expected)


def test_the_class_map_is_that_of_one_patch_at_a_time(
    engine: Engine, image: RgbImage, make_card: MakeCard, unet: tuple[nn.Module, Path]
) -> None:
    card = make_card()
    segmenter = engine.load(card, lambda: unet[1])

    segmentation = engine.segment(engine.place(image), segmenter, SETTINGS)

    expected = _patch_by_patch(image, unet[0], card)
    # Other batches and memory layouts add up in another order; a tie may fall the other way.
    assert (segmentation.class_map == expected).mean() > 0.999
    assert len(np.unique(expected)) > 1


@pytest.mark.parametrize("batch_patches", [1, 3, 64])
def test_the_batch_size_does_not_alter_the_class_map(
    engine: Engine, image: RgbImage, make_card: MakeCard, unet: tuple[nn.Module, Path], batch_patches: int
) -> None:
    card = make_card()
    first = engine.segment(engine.place(image), engine.load(card, lambda: unet[1]), SETTINGS)

    with Engine(device="cpu", batch_patches=batch_patches) as other:
        second = other.segment(other.place(image), other.load(card, lambda: unet[1]), SETTINGS)

    # As above.
    assert (first.class_map == second.class_map).mean() > 0.999


def test_the_same_ask_gives_the_same_class_map(
    engine: Engine, image: RgbImage, make_card: MakeCard, unet: tuple[nn.Module, Path]
) -> None:
    segmenter = engine.load(make_card(), lambda: unet[1])
    roi = engine.place(image)

    first, second = (engine.segment(roi, segmenter, SETTINGS).class_map for _ in range(2))

    assert np.array_equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (64, 64), (65, 48)])
def test_an_roi_of_any_size_gives_a_class_map_of_that_size(
    engine: Engine, make_card: MakeCard, size: tuple[int, int]
) -> None:
    image = np.full((*size, 3), 250, dtype=np.uint8)

    segmentation = engine.segment(engine.place(image), _with(make_card(), _Brightness()), SETTINGS)

    assert segmentation.class_map.shape == size
    assert (segmentation.class_map == 1).all()


def test_a_batch_that_does_not_fit_into_memory_is_halved(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    greedy = _Greedy()

    segmentation = engine.segment(engine.place(image), _with(make_card(), greedy), SETTINGS)

    assert np.array_equal(segmentation.class_map, np.where(image[..., 0] / 255 > 0.485, 1, 2))
    assert segmentation.batch_patches == 2
    assert greedy.batches[:2] == [4, 2]


@pytest.mark.parametrize("stitching", list(Stitching))
def test_patches_cut_before_give_the_class_map_of_the_whole_image(
    engine: Engine, image: RgbImage, make_card: MakeCard, unet: tuple[nn.Module, Path], stitching: Stitching
) -> None:
    settings = replace(SETTINGS, stitching=stitching, confidence=True)
    segmenter = engine.load(make_card(), lambda: unet[1])
    padded = np.full((250, 305, 3), 255, dtype=np.uint8)
    padded[:150, :205] = image
    grid = plan_grid(150, 205, patch_px=64, stride_px=48, margin_px=8)
    corners = [(patch.row.start, patch.column.start) for patch in grid]
    cut = np.stack([padded[top : top + 64, left : left + 64] for top, left in corners])

    of_patches = engine.segment(engine.place_patches(cut, corners=corners, size_px=(150, 205)), segmenter, settings)
    of_image = engine.segment(engine.place(image), segmenter, settings)

    assert np.array_equal(of_patches.class_map, of_image.class_map)
    assert of_patches.confidence is not None
    assert of_image.confidence is not None
    assert np.array_equal(of_patches.confidence, of_image.confidence)


def test_patches_of_another_grid_are_not_taken_for_those_asked_for(engine: Engine, make_card: MakeCard) -> None:
    cut = np.zeros((1, 64, 64, 3), dtype=np.uint8)
    roi = engine.place_patches(cut, corners=[(0, 0)], size_px=(100, 64))

    with pytest.raises(ValueError, match="no patch was cut at"):
        engine.segment(roi, _with(make_card(), _Brightness()), SETTINGS)


def test_blending_sees_through_a_batch_that_did_not_fit(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    settings = replace(SETTINGS, stitching=Stitching.BLEND)

    segmentation = engine.segment(engine.place(image), _with(make_card(), _Greedy()), settings)

    assert np.array_equal(segmentation.class_map, np.where(image[..., 0] / 255 > 0.485, 1, 2))


def test_the_confidence_is_the_top_probability_and_comes_on_request(
    engine: Engine, image: RgbImage, make_card: MakeCard
) -> None:
    roi, segmenter = engine.place(image), _with(make_card(), _Constant(value=0.7))

    asked = engine.segment(roi, segmenter, replace(SETTINGS, confidence=True))

    assert asked.confidence is not None
    assert asked.confidence.dtype == np.uint8
    assert set(np.unique(asked.confidence)) == {64}
    assert engine.segment(roi, segmenter, SETTINGS).confidence is None


def test_memory_that_does_not_hold_one_patch_is_an_error(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    class _Hopeless(nn.Module):
        def forward(self, _: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        engine.segment(engine.place(image), _with(make_card(), _Hopeless()), SETTINGS)


def test_what_is_told_of_a_segmentation(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    segmentation = engine.segment(engine.place(image), _with(make_card(), _Brightness()), SETTINGS)

    seconds = segmentation.seconds
    assert segmentation.patches == len(plan_grid(150, 205, patch_px=64, stride_px=48, margin_px=8))
    assert segmentation.batch_patches == 4
    assert min(seconds.preparing_s, seconds.network_s, seconds.stitching_s) > 0


def test_logits_that_are_not_finite_break_the_segmenter(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    with pytest.raises(SegmenterBroken, match="no finite numbers"):
        engine.segment(engine.place(image), _with(make_card(), _Constant(value=float("nan"))), SETTINGS)


def test_logits_of_another_shape_break_the_segmenter(engine: Engine, image: RgbImage, make_card: MakeCard) -> None:
    with pytest.raises(SegmenterBroken, match="the card promises"):
        engine.segment(engine.place(image), _with(make_card(), _Constant(value=0.0, channels=3)), SETTINGS)


def test_settings_that_do_not_fit_the_patch_break_the_segmenter(
    engine: Engine, image: RgbImage, make_card: MakeCard
) -> None:
    with pytest.raises(SegmenterBroken, match="margins"):
        engine.segment(engine.place(image), _with(make_card(), _Brightness()), EngineSettings())


def test_a_checkpoint_is_looked_for_once(engine: Engine, make_card: MakeCard, unet: tuple[nn.Module, Path]) -> None:
    asked: list[str] = []

    def find() -> Path:
        asked.append(current_thread().name)
        return unet[1]

    card = make_card(name="other", checkpoint_sha256="1" * 64)
    with ThreadPoolExecutor(4) as pool:
        segmenters = list(pool.map(lambda _: engine.load(card, find), range(4)))

    assert len(asked) == 1
    assert len({id(segmenter) for segmenter in segmenters}) == 1


def test_callers_of_several_threads_get_their_own_class_map(engine: Engine, make_card: MakeCard) -> None:
    segmenter = _with(make_card(), _Brightness())

    def segment(level: int) -> set[int]:
        image = np.full((70, 90, 3), 250 if level % 2 else 5, dtype=np.uint8)
        return set(np.unique(engine.segment(engine.place(image), segmenter, SETTINGS).class_map).tolist())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(segment, range(8)))

    assert answers == [{2}, {1}] * 4
