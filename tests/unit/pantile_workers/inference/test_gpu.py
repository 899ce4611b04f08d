"""What only a GPU can show: the same class map as a processor's, from a network in its fastest form."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from pantile.domain.segmenters import EngineSettings, Precision, parse_card
from pantile.local.demo_cohorts import demo_cards
from pantile.local.tissue import Morphology, generate_region
from pantile_workers.inference.decoders import WindowedNetwork
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

TISSUE = generate_region(Morphology.GLANDULAR, seed=3, width_px=1500, height_px=1100, mpp=1.0).image


@pytest.fixture(scope="module")
def gpu() -> Iterator[Engine]:
    with Engine(device="cuda") as engine:
        yield engine


def load(engine: Engine) -> LoadedSegmenter:
    """The first of the demo's segmenters."""
    card, checkpoint = next(demo_cards())
    return engine.load(parse_card(card.read_text("utf-8")), lambda: checkpoint)


def test_a_network_has_its_fastest_form_on_a_gpu(gpu: Engine) -> None:
    network = load(gpu).network

    assert isinstance(network, WindowedNetwork)
    assert not [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.mark.parametrize(("precision", "least"), [(Precision.FLOAT32, 0.9999), (Precision.MIXED, 0.995)])
def test_a_gpus_class_map_is_the_processors(gpu: Engine, precision: Precision, least: float) -> None:
    with Engine(device="cpu") as cpu:
        given, expected = (
            engine.segment(engine.place(TISSUE), load(engine), EngineSettings(precision=asked)).class_map
            for engine, asked in [(gpu, precision), (cpu, Precision.FLOAT32)]
        )

    assert np.mean(given == expected) >= least


def test_a_gpus_class_map_is_the_same_each_time_and_in_any_batch(gpu: Engine) -> None:
    settings = EngineSettings(precision=Precision.FLOAT32)
    roi = gpu.place(TISSUE)

    first, again = (gpu.segment(roi, load(gpu), settings).class_map for _ in range(2))
    with Engine(device="cuda", batch_patches=1) as one_by_one:
        single = one_by_one.segment(one_by_one.place(TISSUE), load(one_by_one), settings).class_map

    assert np.array_equal(first, again)
    assert np.mean(single == first) >= 0.9999
