"""Each process of a running stack shows its metrics at its own address, and a cohort's way through is seen in them."""

import subprocess
from collections.abc import Callable
from time import monotonic, sleep

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from safetensors.torch import save_file

from pantile.local.stack import Stack
from tests.shown_metrics import Samples, fetch_metrics

Pantile = Callable[..., subprocess.CompletedProcess[str]]

CARD = """
name = "tiny"
version = "1"
title = "A tiny network with random weights"
architecture = "Unet"
encoder = "timm-mobilenetv3_small_minimal_100"
output_channels = 2
decoder_channels = [8, 8, 4, 4, 4]
model_mpp = 1.0
patch_px = 512
licence = "CC0-1.0"

[[classes]]
index = 0
name = "glass"
group = "background"
simplified_rgb = [255, 255, 255]
detailed_rgb = [255, 255, 255]

[[classes]]
index = 1
name = "tumor"
group = "tumor"
simplified_rgb = [0, 0, 255]
detailed_rgb = [0, 0, 255]
"""
ROIS = 3
COHORT = "MEASURED"


@pytest.fixture(scope="module")
def cohort(pantile: Pantile, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cohort of three small ROIs that a tiny segmenter has segmented."""
    folder = tmp_path_factory.mktemp("measured")
    torch.manual_seed(0)
    network = smp.create_model(
        "Unet",
        encoder_name="timm-mobilenetv3_small_minimal_100",
        encoder_weights=None,
        classes=2,
        decoder_channels=(8, 8, 4, 4, 4),
    )
    save_file(network.state_dict(), folder / "tiny.safetensors")
    (folder / "tiny.toml").write_text(CARD)
    pantile("segmenters", "add", str(folder / "tiny.toml"), "--checkpoint", str(folder / "tiny.safetensors"))
    images = folder / "images"
    images.mkdir()
    for number in range(ROIS):
        pixels = np.random.default_rng(number).integers(0, 255, (160, 200, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"TCGA-BRCA-A2-A0D{number}_1.0_tumor_original.jpg")
    pantile("submit", str(images), "--cohort", COHORT, "--segmenters", "tiny", "--watch")
    return COHORT


def addresses(stack: Stack) -> dict[str, str]:
    return {service.name: service.metrics for service in stack.state.services if service.metrics}


def await_sample(address: str, name: str, labels: tuple[tuple[str, str], ...], value: float) -> Samples:
    """What an address shows once that sample has come to the value, as the coordinator measures once a round."""
    deadline = monotonic() + 30
    while (samples := fetch_metrics(address)).get(name, {}).get(labels) != value:
        assert monotonic() < deadline, samples.get(name)
        sleep(0.2)
    return samples


def test_each_process_but_flower_shows_metrics_and_says_what_it_is(stack: Stack) -> None:
    services = {
        name: dict(labels)["service"]
        for name, address in addresses(stack).items()
        for labels in fetch_metrics(address)["pantile_build"]
    }

    assert services == {
        "coordinator": "coordinator",
        "web": "web",
        "imaging": "imaging",
        "segment-1": "segment",
        "segment-2": "segment",
    }


def test_a_cohort_is_seen_in_the_coordinators_metrics(stack: Stack, cohort: str) -> None:
    done = (("cohort", cohort), ("segmenter", "tiny"), ("state", "succeeded"))

    samples = await_sample(addresses(stack)["coordinator"], "pantile_cohort_jobs", done, ROIS)

    assert samples["pantile_messages_sent_total"][(("work", "job"),)] >= ROIS
    assert samples["pantile_queue_messages"][(("queue", "segment.bulk"),)] == 0
    assert samples["pantile_round_timestamp_seconds"][()] > 0


def test_the_workers_together_counted_each_job_and_image_once(stack: Stack, cohort: str) -> None:
    workers = [fetch_metrics(address) for name, address in addresses(stack).items() if name.startswith("segment")]
    imaging = fetch_metrics(addresses(stack)["imaging"])

    def counted(name: str, *labels: tuple[str, str]) -> float:
        return sum(worker.get(name, {}).get(labels, 0.0) for worker in workers)

    assert counted("pantile_jobs_done_total", ("segmenter", "tiny")) == ROIS
    assert counted("pantile_rois_decoded_total") >= ROIS
    assert counted("pantile_stage_seconds_count", ("stage", "network")) >= ROIS
    assert counted("pantile_patches_total", ("segmenter", "tiny")) == ROIS
    assert imaging["pantile_tasks_total"][(("result", "done"), ("task", "ingest-roi"))] >= ROIS


def test_the_web_service_counted_the_submission(stack: Stack, cohort: str) -> None:
    requests = fetch_metrics(addresses(stack)["web"])["pantile_http_requests_total"]

    routes = {dict(labels)["route"] for labels in requests}
    assert "/v1/cohorts" in routes
    assert not any(cohort in route for route in routes)
