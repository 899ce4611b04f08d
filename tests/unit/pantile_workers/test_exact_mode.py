"""Exact mode against a plain re-implementation of the study's published script, on small images and small networks."""

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pantile.domain.class_maps import ClassGroup, ClassMap, ClassScheme, RgbImage, TissueClass, study_class_map
from pantile.domain.segmenters import Card, EngineSettings, Mode
from pantile_workers.imaging.patching import read_patches
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

SETTINGS = EngineSettings(mode=Mode.EXACT, stride_px=48, margin_px=8)

# What the reference class maps of real tissue are held to; here only ties may fall the other way.
MOST_DIFFERENT = 0.0005


class _Texture(nn.Module):
    """Four classes by colour, by what lies around a pixel, and by where in its patch it lies."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self._around = nn.Conv2d(3, 4, 7, padding=3)

    def forward(self, image: Tensor) -> Tensor:
        side = image.shape[-1]
        place = torch.linspace(-0.3, 0.3, side)
        logits: Tensor = self._around(image)
        logits[:, 0] += place
        logits[:, 1] += place[:, None]
        return logits


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(device="cpu", batch_patches=3) as running:
        yield running


@pytest.fixture(scope="module")
def segmenter() -> LoadedSegmenter:
    classes = [
        TissueClass(
            index=index, name=str(index), group=ClassGroup.OTHER, simplified_rgb=(0, 0, 0), detailed_rgb=(0, 0, 0)
        )
        for index in range(4)
    ]
    card = Card(
        name="texture",
        version="1",
        title="Texture",
        architecture="Unet",
        encoder="none",
        output_channels=4,
        model_mpp=1.0,
        patch_px=64,
        scheme=ClassScheme(tuple(classes)),
        licence="none",
    )
    return LoadedSegmenter(card=card, digest="0" * 64, network=_Texture().eval().requires_grad_(requires_grad=False))


def _tissue(height: int, width: int) -> RgbImage:
    noise = np.random.default_rng(height).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _png(image: RgbImage) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _study(image: RgbImage, segmenter: LoadedSegmenter, roi_mpp: float) -> ClassMap:
    """The published script's arithmetic, one patch after another, for patches of 64 px instead of 512."""
    height, width = image.shape[:2]
    side = int(1.0 / roi_mpp * 64)
    step = int(side * 0.75)
    padded = np.full((height + side, width + side, 3), 255, dtype=np.uint8)
    padded[:height, :width] = image
    bands = []
    for row in range(height // step + 1):
        strips = [
            _predict(padded[row * step :, column * step :][:side, :side], segmenter)[
                0 if row == 0 else 8 : 56, 0 if column == 0 else 8 : 56
            ]
            for column in range(width // step + 1)
        ]
        bands.append(np.concatenate(strips, axis=1))
    stitched = np.concatenate(bands)
    size = (int(stitched.shape[1] * 1.0 / roi_mpp), int(stitched.shape[0] * 1.0 / roi_mpp))
    enlarged = Image.fromarray(stitched).resize(size, Image.Resampling.NEAREST)
    return np.asarray(enlarged.crop((0, 0, width, height)))


def _predict(patch: RgbImage, segmenter: LoadedSegmenter) -> ClassMap:
    resized = np.asarray(Image.fromarray(patch).resize((64, 64), Image.Resampling.BICUBIC))
    look = segmenter.card.normalisation
    normalised = ((resized / 255.0 - look.mean) / look.std).astype(np.float32).transpose(2, 0, 1)
    with torch.inference_mode():
        logits = segmenter.network(torch.from_numpy(normalised)[None])
    predicted: ClassMap = logits[0].numpy().argmax(axis=0).astype(np.uint8)
    return predicted


Segment = Callable[[RgbImage, float], ClassMap]


@pytest.fixture
def segment(engine: Engine, segmenter: LoadedSegmenter) -> Segment:
    """Segments an image in exact mode, and gives the study's file of it."""

    def segment(image: RgbImage, roi_mpp: float) -> ClassMap:
        cut = read_patches(_png(image), roi_mpp=roi_mpp, model_mpp=1.0, patch_px=64, stride_px=48)
        roi = engine.place_patches(cut.patches, corners=cut.corners, size_px=(cut.height_px, cut.width_px))
        class_map = engine.segment(roi, segmenter, SETTINGS).class_map
        return study_class_map(
            class_map,
            height_px=image.shape[0],
            width_px=image.shape[1],
            roi_mpp=roi_mpp,
            model_mpp=1.0,
            patch_px=64,
            stride_px=48,
        )

    return segment


@pytest.mark.parametrize("roi_mpp", [0.25, 0.253, 0.2325, 0.2501, 0.461, 0.5, 0.9, 1.0, 1.7])
def test_the_studys_file_is_made_at_any_scale(segment: Segment, segmenter: LoadedSegmenter, roi_mpp: float) -> None:
    image = _tissue(411, 523)

    found, expected = segment(image, roi_mpp), _study(image, segmenter, roi_mpp)

    assert found.shape == (411, 523)
    assert len(np.unique(expected)) == 4
    assert (found != expected).mean() <= MOST_DIFFERENT


@pytest.mark.parametrize("size", [(1, 1), (17, 700), (192, 384), (193, 383), (224, 225), (416, 417), (609, 200)])
def test_the_studys_file_is_made_of_any_size(
    segment: Segment, segmenter: LoadedSegmenter, size: tuple[int, int]
) -> None:
    image = _tissue(*size)

    assert (segment(image, 0.25) != _study(image, segmenter, 0.25)).mean() <= MOST_DIFFERENT
