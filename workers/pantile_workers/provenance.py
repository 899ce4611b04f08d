"""How a class map came about, as it is kept beside it."""

import platform
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from pantile.catalog.jobs import ClaimedJob
from pantile.domain.segmenters import CardFormat
from pantile_workers.runtime import Runtime

_LIBRARIES = ("pantile", "torch", "segmentation-models-pytorch", "timm", "pyvips-binary", "numpy")


class Run(Protocol):
    """What a run of a network says of itself."""

    @property
    def arithmetic(self) -> str:
        """The type that it computed in."""

    @property
    def patches(self) -> int:
        """How many it took."""

    @property
    def batch_patches(self) -> int:
        """How many at once."""


def describe_run(runtime: Runtime, job: ClaimedJob, run: Run) -> dict[str, Any]:
    """The provenance of the class map that a run of a network made for a job."""
    return {
        "image_sha256": job.image_sha256,
        "roi_mpp": job.roi_mpp,
        "segmenter": job.card.name,
        "segmenter_version": job.card.version,
        "checkpoint_sha256": job.card.checkpoint_sha256,
        "settings": job.settings.document(),
        "arithmetic": run.arithmetic,
        "patches": run.patches,
        "batch_patches": run.batch_patches,
        "device": str(runtime.engine.device),
        "worker": runtime.name,
        "attempt": job.attempt,
        "libraries": _library_versions(job.card.format),
    }


@cache
def _library_versions(card_format: CardFormat) -> dict[str, str]:
    versions = {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
    if card_format is CardFormat.ONNX:
        # Loaded by now; by its package's name it would not be found where it is onnxruntime-gpu.
        import onnxruntime  # noqa: PLC0415 — only where such a network runs

        versions["onnxruntime"] = onnxruntime.__version__
    return versions
