"""Workers' use cases on real servers: a tiny real network, small images, and the queue's messages done by hand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from safetensors.torch import save

from pantile.catalog import outbox, rois
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.coordinator.registry import register_segmenter
from pantile.coordinator.submit import Submission, submit_cohort
from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.cohorts import read_rows
from pantile.domain.messages import (
    CompareSegmenters,
    EvaluateRoi,
    IngestRoi,
    InspectSlide,
    MakePyramid,
    MakeReport,
    MakeSlidePyramid,
    Message,
    RenderOverlay,
    SegmentRoi,
)
from pantile.domain.segmenters import Card, EngineSettings
from pantile.domain.settings_asked import SettingsAsked
from pantile.domain.sources import LOOPBACK
from pantile.objects import ObjectStore, sha256_of
from pantile.settings import Settings
from pantile_workers.chores import (
    compare_segmenters,
    ingest_roi,
    inspect_one_slide,
    make_one_pyramid,
    make_one_slide_pyramid,
    render_one_overlay,
)
from pantile_workers.evaluating import evaluate_roi
from pantile_workers.leasing import NotDone
from pantile_workers.reporting import make_report
from pantile_workers.runtime import Runtime
from pantile_workers.segmenting import segment_roi

SETTINGS = EngineSettings(stride_px=48, margin_px=8)

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]

SCHEME = ClassScheme(
    (
        TissueClass(
            index=0,
            name="glass",
            group=ClassGroup.BACKGROUND,
            simplified_rgb=(255, 255, 255),
            detailed_rgb=(255, 255, 255),
        ),
        TissueClass(
            index=1, name="tumor", group=ClassGroup.TUMOR, simplified_rgb=(0, 0, 255), detailed_rgb=(0, 0, 255)
        ),
    )
)

CARD = Card(
    name="tiny",
    version="1",
    title="A tiny network with random weights",
    architecture="Unet",
    encoder="timm-mobilenetv3_small_minimal_100",
    output_channels=2,
    decoder_channels=(16, 16, 8, 8, 8),
    model_mpp=1.0,
    patch_px=64,
    scheme=SCHEME,
    licence="Apache-2.0",
)


@pytest.fixture(scope="session")
def jpeg() -> Callable[[int], bytes]:
    """Makes small JPEGs of coloured noise, one for each seed."""

    def make(seed: int = 0) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 50, 3), dtype=np.uint8)
        file = BytesIO()
        Image.fromarray(pixels).resize((400, 320)).save(file, "JPEG", quality=90)
        return file.getvalue()

    return make


@pytest.fixture
def tiny_card() -> Card:
    """The tiny network's card."""
    return CARD


@pytest.fixture(scope="session")
def checkpoint() -> bytes:
    """The tiny network's weights."""
    torch.manual_seed(0)
    network = smp.create_model(
        CARD.architecture,
        encoder_name=CARD.encoder,
        encoder_weights=None,
        classes=2,
        decoder_channels=CARD.decoder_channels,
    )
    return save(network.state_dict())


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """A worker's runtime on the CPU; its engine is real."""
    small = settings.model_copy(
        update={"device": "cpu", "torch_threads": 1, "max_attempts": 2, "fetch_allow": LOOPBACK}
    )
    with Runtime(small, kind="test") as runtime:
        yield runtime


@pytest.fixture
def register(database: Database, objects: ObjectStore, checkpoint: bytes) -> Callable[..., None]:
    """Registers the tiny network under the names given."""

    def register(*names: str) -> None:
        digest = sha256_of(checkpoint)
        objects.put(incoming_key(digest), checkpoint, media_type="application/octet-stream")
        for name in names:
            card = replace(CARD, name=name)
            register_segmenter(database, objects, card, sha256=digest, actor="test")

    return register


@pytest.fixture
def submit(database: Database, objects: ObjectStore) -> Submit:
    """Submits images by name, uploaded and ready to be ingested."""

    def submit(
        images: dict[str, bytes],
        *,
        cohort: str = "C",
        announced: str | None = None,
        settings: EngineSettings = SETTINGS,
        mpp: float = 0.25,
    ) -> Submission:
        rows = read_rows([(name, {"path": name}) for name in images], columns=["path"], cohort=cohort, mpp=mpp)
        submitted = [
            rois.SubmittedRoi(row=row, sha256=announced or sha256_of(data), bytes=len(data))
            for row, data in zip(rows, images.values(), strict=True)
        ]
        submission = submit_cohort(
            database,
            cohort,
            submitted,
            segmenter_names=[],
            settings=SettingsAsked(**asdict(settings)),
            max_attempts=2,
            actor="test",
        )
        for roi, data in zip(submitted, images.values(), strict=True):
            assert roi.sha256
            objects.put(incoming_key(roi.sha256), data, media_type="image/jpeg")
        with database.transaction() as connection:
            awaited = rois.list_awaited(connection, submission.cohort_id)
            rois.mark_uploaded(connection, submission.cohort_id, [row["id"] for row in awaited], actor="test")
        return submission

    return submit


@pytest.fixture
def work(database: Database, runtime: Runtime) -> Work:
    """Does all that is due, once each, as the queue would have it done; gives what each said."""

    def work() -> list[str]:
        with database.transaction() as connection:
            chores = outbox.due_chores(connection, limit=100)
        said = [_do(lambda chore=chore: _chore(runtime, chore)) for chore in chores]  # type: ignore[misc]
        with database.transaction() as connection:
            due: list[SegmentRoi] = outbox.due_jobs(connection, limit=100)
        return said + [_do(lambda job=job: segment_roi(runtime, job)) for job in due]  # type: ignore[misc]

    return work


_CHORES: Mapping[type[Message], Callable[[Runtime, Any], str]] = {
    IngestRoi: ingest_roi,
    RenderOverlay: render_one_overlay,
    CompareSegmenters: compare_segmenters,
    EvaluateRoi: evaluate_roi,
    MakeReport: make_report,
    MakePyramid: make_one_pyramid,
    InspectSlide: inspect_one_slide,
    MakeSlidePyramid: make_one_slide_pyramid,
}


def _chore(runtime: Runtime, message: outbox.ChoreMessage) -> str:
    return _CHORES[type(message)](runtime, message)


def _do(task: Callable[[], str]) -> str:
    try:
        return task()
    except NotDone as error:
        return str(error)
