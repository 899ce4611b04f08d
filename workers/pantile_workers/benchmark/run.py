"""One run of the benchmark: everything that is to be compared, measured one after another on the same ROI."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pantile.cli.screen import count
from pantile.domain.segmenters import ADMITTED_FROM, EngineSettings, Precision
from pantile.settings import Settings
from pantile_workers.benchmark.apart import admit, apart, measure_baseline, measure_network
from pantile_workers.benchmark.report import Report
from pantile_workers.benchmark.subject import STUDY_MPP, Standing, read_standing, write_roi, write_standing
from pantile_workers.benchmark.throughput import WARM_UP_ROIS, ThroughputMeasure, measure_throughput
from pantile_workers.imaging.reading import inspect_image
from pantile_workers.inference.devices import gpu_uuid, pick_device

_OUTPUTS = 2
"""Of the baseline, and of the network alone before and after the rest."""

OnStage = Callable[[str], None]


def run_benchmark(
    *,
    card: Path | None,
    image: Path | None,
    rois: int,
    segmenters: Sequence[int],
    with_baseline: bool,
    on_stage: OnStage,
) -> Report:
    """Measures the network alone, the baseline, and Pantile with each number of segmenters.

    Raises:
        CardRefused, FileRefused, ImageUnreadable: the card or the image cannot be taken.
        StackError: the embedded stack does not start, or a job failed.
    """
    with tempfile.TemporaryDirectory(prefix="pantile-bench-") as folder:
        # As root, PostgreSQL runs as another user, who has to reach its data below this folder.
        Path(folder).chmod(0o755)
        return _run(Path(folder), card, image, rois, segmenters, with_baseline=with_baseline, on_stage=on_stage)


def _run(
    folder: Path,
    card: Path | None,
    image: Path | None,
    rois: int,
    segmenters: Sequence[int],
    *,
    with_baseline: bool,
    on_stage: OnStage,
) -> Report:
    device = Settings().device
    subject = image or _generate(folder / "roi.jpg", on_stage)
    facts = inspect_image(subject, max_megapixels=Settings().max_megapixels)
    on_stage("Measuring mixed precision")
    standing = _admitted(read_standing(card) if card else write_standing(folder), subject, device)
    precision = Precision.MIXED if standing.card.admits_mixed else Precision.FLOAT32
    network = partial(
        measure_network,
        subject,
        standing,
        roi_mpp=STUDY_MPP,
        settings=EngineSettings(precision=precision),
        device=device,
        outputs=_OUTPUTS,
    )
    on_stage("Measuring the network alone")
    networks = [apart(network)]
    baseline = None
    if with_baseline:
        on_stage("Measuring the pipeline of one patch at a time")
        baseline = apart(partial(measure_baseline, subject, standing, roi_mpp=STUDY_MPP, outputs=_OUTPUTS))
    gpu = gpu_uuid(pick_device(device))
    throughputs = [
        _measure_pantile(folder, subject, standing, segmenters=number, rois=rois, gpu=gpu, on_stage=on_stage)
        for number in segmenters
    ]
    on_stage("Measuring the network alone again")
    networks.append(apart(network))
    megabytes = subject.stat().st_size / 1e6
    return Report(
        subject=f"{facts.width_px:,} x {facts.height_px:,} px at {STUDY_MPP} mpp, {megabytes:.0f} MB",
        segmenter=_describe(standing),
        baseline=baseline,
        networks=tuple(networks),
        throughputs=tuple(throughputs),
    )


def _measure_pantile(
    folder: Path, subject: Path, standing: Standing, *, segmenters: int, rois: int, gpu: str, on_stage: OnStage
) -> ThroughputMeasure:
    stage = _Counting(on_stage, f"Measuring Pantile with {count(segmenters, 'segmenter')}", rois + WARM_UP_ROIS)
    home = folder / f"stack-{segmenters}"
    return measure_throughput(
        home, subject, standing, segmenters=segmenters, rois_wanted=rois, gpu=gpu, on_roi=stage.advance
    )


class _Counting:
    """A stage that says how many ROIs are done."""

    def __init__(self, on_stage: OnStage, name: str, total: int) -> None:
        self._on_stage = on_stage
        self._name = name
        self._total = total
        self._done = -1
        self.advance()

    def advance(self) -> None:
        """One more."""
        self._done += 1
        self._on_stage(f"{self._name}, {self._done} of {self._total} ROIs")


def _generate(path: Path, on_stage: OnStage) -> Path:
    on_stage("Generating an ROI of 12,500 x 10,000 px")
    write_roi(path)
    return path


def _admitted(standing: Standing, image: Path, device: str) -> Standing:
    admission = apart(partial(admit, image, standing, roi_mpp=STUDY_MPP, device=device))
    return replace(standing, card=replace(standing.card, admission=admission))


def _describe(standing: Standing) -> str:
    card = standing.card
    network = f"{card.title} ({card.architecture}, {card.encoder}, {card.output_channels} classes)"
    if card.admission is None:
        return f"{network}, float32: this device has no 16-bit arithmetic in hardware"
    agreement = f"mixed precision agrees with float32 in {100 * card.admission.agreement:.2f} % of the pixels"
    if card.admits_mixed:
        return f"{network}; {agreement}"
    return f"{network}; {agreement}, less than {100 * ADMITTED_FROM:.1f} %, so it runs in float32"
