"""What is measured in a process of its own, so that neither memory nor threads are shared with anything else."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

from pantile.domain.errors import AdmissionImpossible
from pantile.domain.segmenters import Admission, EngineSettings
from pantile_workers.benchmark.baseline import segment_patch_by_patch
from pantile_workers.benchmark.memory import peak_bytes
from pantile_workers.benchmark.subject import Standing
from pantile_workers.imaging.reading import read_roi
from pantile_workers.inference.admission import TissueImage, measure_admission
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.engine import Engine

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineMeasure:
    """Seconds an output, by the clock and of the processor, by stage, and the memory it took, over all outputs made."""

    outputs: int
    seconds: float
    processor_s: float
    stages: dict[str, float]
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMeasure:
    """Seconds that the network alone takes for an output, by the clock and of the processor."""

    seconds: float
    processor_s: float
    patches: int
    arithmetic: str


def apart(measure: Callable[[], Measured]) -> Measured:
    """What the function gives in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure).result()


def measure_baseline(image: Path, standing: Standing, *, roi_mpp: float, outputs: int) -> BaselineMeasure:
    """Segments the image so often, one patch at a time, on the CPU; loading the network is not counted."""
    network = load_network(standing.card, standing.checkpoint)
    stages: dict[str, float] = {}
    started, computed_s = perf_counter(), process_time()
    for _ in range(outputs):
        _, output = segment_patch_by_patch(image, network, standing.card, roi_mpp=roi_mpp)
        for stage, seconds in output.items():
            stages[stage] = stages.get(stage, 0.0) + seconds / outputs
    return BaselineMeasure(
        outputs=outputs,
        seconds=(perf_counter() - started) / outputs,
        processor_s=(process_time() - computed_s) / outputs,
        stages=stages,
        peak_bytes=peak_bytes(os.getpid()),
    )


def admit(image: Path, standing: Standing, *, roi_mpp: float, device: str) -> Admission | None:
    """The network's admission to mixed precision by this very image; None where the device has no 16-bit arithmetic."""
    tissue = TissueImage(
        name=image.name, read=lambda: read_roi(image, roi_mpp=roi_mpp, model_mpp=standing.card.model_mpp).image
    )
    with Engine(device=device) as engine:
        try:
            return measure_admission(
                engine, standing.card, standing.checkpoint, [tissue], described="the benchmark's own ROI"
            ).admission
        except AdmissionImpossible:
            return None


def measure_network(
    image: Path, standing: Standing, *, roi_mpp: float, settings: EngineSettings, device: str, outputs: int
) -> NetworkMeasure:
    """Sends the image's patches through the network so often, and once before to warm up."""
    roi = read_roi(image, roi_mpp=roi_mpp, model_mpp=standing.card.model_mpp)
    with Engine(device=device) as engine:
        segmenter = engine.load(standing.card, lambda: standing.checkpoint)
        placed = engine.place(roi.image)
        engine.segment(placed, segmenter, settings)
        computed_s = process_time()
        runs = [engine.segment(placed, segmenter, settings) for _ in range(outputs)]
    return NetworkMeasure(
        seconds=sum(run.seconds.network_s for run in runs) / outputs,
        processor_s=(process_time() - computed_s) / outputs,
        patches=runs[0].patches,
        arithmetic=runs[0].arithmetic,
    )
