"""Mixed precision is measured on tissue, patch by patch, and within bounds."""

from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import AdmissionImpossible
from pantile.domain.segmenters import Card, CardFormat, EngineSettings, Precision
from pantile_workers.inference.admission import MOST_PATCHES, TissueImage, cut_tissue, measure_admission, spread
from pantile_workers.inference.arithmetic import pick_dtype
from pantile_workers.inference.engine import Engine, Segmentation
from pantile_workers.inference.loaded import LoadedSegmenter
from pantile_workers.inference.placing import PatchSource

MakeCard = Callable[..., Card]

needs_16_bits = pytest.mark.skipif(
    pick_dtype(Precision.MIXED, torch.device("cpu")) is torch.float32,
    reason="needs a processor with bfloat16 arithmetic in hardware",
)


class _InFloat32Only(Engine):
    """An engine on a device without 16-bit arithmetic."""

    def segment(
        self,
        roi: PatchSource,
        segmenter: LoadedSegmenter,
        settings: EngineSettings,
        *,
        skipped: Container[tuple[int, int]] = (),
    ) -> Segmentation:
        return super().segment(roi, segmenter, replace(settings, precision=Precision.FLOAT32), skipped=skipped)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(device="cpu") as running:
        yield running


def _checkpoint(folder: Path, *, sure: bool) -> Path:
    """A U-Net that is sure of class 2 everywhere, or of nothing."""
    torch.manual_seed(0)
    network = smp.Unet("timm-efficientnet-b0", encoder_weights=None, classes=4)
    if sure:
        with torch.no_grad():
            network.segmentation_head[0].bias[2] = 1000.0
    save_file(network.state_dict(), folder / f"{sure}.safetensors")
    return folder / f"{sure}.safetensors"


def _tissue(*shape: int, seed: int = 0) -> RgbImage:
    return np.random.default_rng(seed).integers(60, 200, (*shape, 3), dtype=np.uint8)


def _image(name: str, image: RgbImage) -> TissueImage:
    return TissueImage(name=name, read=lambda: image)


@needs_16_bits
def test_a_checkpoint_that_is_sure_is_admitted(engine: Engine, make_card: MakeCard, tmp_path: Path) -> None:
    card = make_card(checkpoint_sha256="1" * 64)
    tissue = [_image("a", _tissue(40, 100)), _image("b", _tissue(40, 50))]

    measured = measure_admission(engine, card, _checkpoint(tmp_path, sure=True), tissue, described="noise")

    assert measured.admission.agreement == 1.0
    assert measured.admission.is_granted
    assert (measured.admission.arithmetic, measured.admission.tissue) == ("bfloat16", "noise")
    assert (measured.images, measured.patches) == (2, 3)
    assert measured.admission.pixels == 40 * 100 + 40 * 50


@needs_16_bits
def test_the_agreement_is_that_of_class_maps_and_the_worst_image_is_named(
    engine: Engine, make_card: MakeCard, tmp_path: Path
) -> None:
    card = make_card(checkpoint_sha256="2" * 64)
    images = {f"image {seed}": _tissue(100, 64, seed=seed) for seed in range(3)}

    checkpoint = _checkpoint(tmp_path, sure=False)
    tissue = [_image(name, image) for name, image in images.items()]
    measured = measure_admission(engine, card, checkpoint, tissue, described="noise")

    segmenter = engine.load(card, lambda: checkpoint)
    shares = {}
    for name, image in images.items():
        maps = [
            engine.segment(
                engine.place(image), segmenter, EngineSettings(stride_px=48, margin_px=8, precision=precision)
            ).class_map
            for precision in Precision
        ]
        shares[name] = float((maps[0] == maps[1]).mean())
    assert measured.least_agreement < 1.0
    assert measured.admission.agreement == pytest.approx(np.mean(list(shares.values())), abs=1e-6)
    assert measured.least_image == min(shares, key=shares.__getitem__)
    assert measured.least_agreement == min(shares.values())


def test_a_device_without_16_bit_arithmetic_measures_nothing(make_card: MakeCard, tmp_path: Path) -> None:
    checkpoint = _checkpoint(tmp_path, sure=True)

    with (
        _InFloat32Only(device="cpu") as engine,
        pytest.raises(AdmissionImpossible, match="the cpu here has no 16-bit arithmetic in hardware"),
    ):
        measure_admission(engine, make_card(), checkpoint, [_image("a", _tissue(64, 64))], described="")


def test_images_without_tissue_measure_nothing(engine: Engine, make_card: MakeCard, tmp_path: Path) -> None:
    glass = _image("glass", np.full((200, 200, 3), 245, dtype=np.uint8))

    with pytest.raises(AdmissionImpossible, match="there is no tissue on these images"):
        measure_admission(engine, make_card(), _checkpoint(tmp_path, sure=True), [glass], described="")


def test_an_onnx_file_is_never_measured(engine: Engine, make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(AdmissionImpossible, match="small is an ONNX file"):
        measure_admission(engine, make_card(format=CardFormat.ONNX), tmp_path / "none.onnx", [], described="")


def test_each_pixel_of_an_image_is_compared_once() -> None:
    image = _tissue(100, 150)

    patches, kept = cut_tissue(image, patch_px=64, most=99)

    assert patches.shape == (2 * 3, 64, 64, 3)
    assert kept.sum() == 100 * 150
    assert np.array_equal(np.sort(patches[kept], axis=0), np.sort(image.reshape(-1, 3), axis=0))


def test_beyond_a_small_image_a_patch_is_white_and_not_compared() -> None:
    image = _tissue(20, 40)

    patches, kept = cut_tissue(image, patch_px=64, most=99)

    assert np.array_equal(patches[0, :20, :40], image)
    assert (patches[0, 20:] == 255).all()
    assert kept[0, :20, :40].all()
    assert kept.sum() == 20 * 40


def test_patches_of_glass_are_passed_over() -> None:
    image = np.full((56, 300, 3), 245, dtype=np.uint8)
    image[:, :56] = _tissue(56, 56)

    patches, _ = cut_tissue(image, patch_px=64, most=99)

    assert len(patches) == 1
    assert np.array_equal(patches[0, :56], image[:, :64])


def test_a_large_image_is_measured_within_bounds() -> None:
    patches, _ = cut_tissue(_tissue(640, 640), patch_px=64, most=MOST_PATCHES)

    assert len(patches) == MOST_PATCHES


@pytest.mark.parametrize(
    ("things", "most", "chosen"),
    [("abcdef", 1, "d"), ("abcdef", 3, "acf"), ("abcdef", 6, "abcdef"), ("ab", 9, "ab"), ("a", 3, "a"), ("", 3, "")],
)
def test_what_is_chosen_is_spread_over_all(things: str, most: int, chosen: str) -> None:
    assert spread(things, most) == list(chosen)
