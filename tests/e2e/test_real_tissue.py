"""The main job on real tissue: three TCGA-BRCA regions, a trained UNet++, real Celery workers, and a floor for Dice."""

import csv
import hashlib
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from pantile.client.api import ApiClient
from pantile.domain.class_maps import at_pixels, remap
from pantile.domain.dice import dice_of_class
from pantile.domain.jobs import JobState
from pantile.local.stack import Stack

Pantile = Callable[..., subprocess.CompletedProcess[str]]

# What toy4 reaches on these regions in the study's own arithmetic is 0.752, 0.730 and 0.807 (see its card); measured
# here: 0.751, 0.730, 0.807. The floor leaves 0.01 for other processors' arithmetic.
TUMOR_DICE_FLOOR = {"A0D2": 0.741, "A1G6": 0.720, "A3XX": 0.797}

# The scheme of masks_toy4 read as the study's targets: other tissue is tumor stroma, necrosis counts as background.
TO_TARGETS = {0: 0, 1: 1, 2: 2, 3: 0}

GROUPS = ["background", "tumor", "tumor_stroma", "necrosis"]
COLOURS = [[255, 255, 255], [0, 0, 255], [255, 165, 0], [128, 128, 128]]


def write_card(shared: Path, folder: Path, *, version: str) -> Path:
    """The full card of toy4, made from the minimal one beside its checkpoint."""
    toy = tomllib.loads((shared / "checkpoints" / "toy4.toml").read_text())
    lines = [
        f'name = "{toy["name"]}"',
        f'version = "{version}"',
        'title = "A small segmenter trained on real tissue"',
        f'architecture = "{toy["architecture"]}"',
        f'encoder = "{toy["encoder"]}"',
        f"output_channels = {toy['output_channels']}",
        f"model_mpp = {toy['mpp']}",
        f"patch_px = {toy['patch_px']}",
        'licence = "for tests only"',
        'training_cohorts = ["TCGA-BRCA"]',
        "[normalisation]",
        f"mean = {toy['mean']}",
        f"std = {toy['std']}",
        "[checkpoint]",
        f'sha256 = "{toy["sha256"]}"',
        '[dice_remaps.article."*"]',
        *(f"{source} = {target}" for source, target in TO_TARGETS.items()),
    ]
    for index, name in enumerate(toy["classes"]):
        lines += [
            "[[classes]]",
            f"index = {index}",
            f'name = "{name}"',
            f'group = "{GROUPS[index]}"',
            f"simplified_rgb = {COLOURS[index]}",
            f"detailed_rgb = {COLOURS[index]}",
        ]
    card = folder / "toy4.toml"
    card.write_text("\n".join(lines))
    return card


@pytest.fixture(scope="module")
def manifest(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of the three regions."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "case", "slide", "tissue_type", "mpp"])
        for image in sorted((shared / "data" / "bcss" / "images").glob("*.jpg")):
            slide = image.stem.split("_")[0]
            writer.writerow([image, slide.removesuffix("-DX1"), slide, "tumor", 0.25])
    return path


def add_toy4(pantile: Pantile, shared: Path, folder: Path, *, version: str) -> None:
    card = write_card(shared, folder, version=version)
    pantile("segmenters", "add", str(card), "--checkpoint", str(shared / "checkpoints" / "toy4.safetensors"))


def test_a_real_cohort_is_segmented_as_well_as_the_segmenter_can(
    pantile: Pantile, api: ApiClient, stack: Stack, shared: Path, manifest: Path, tmp_path: Path
) -> None:
    add_toy4(pantile, shared, tmp_path, version="1")

    pantile("submit", str(manifest), "--cohort", "TCGA-BRCA", "--segmenters", "toy4", "--watch")
    pantile("results", "TCGA-BRCA", "--out", str(tmp_path / "out"))

    for slide, found in tumor_dice(shared, tmp_path / "out").items():
        assert found >= TUMOR_DICE_FLOOR[slide], f"{slide}: tumor Dice {found:.3f}"
    cohort = api.cohort("TCGA-BRCA")
    assert cohort.jobs[JobState.SUCCEEDED] == cohort.jobs_expected == 3
    assert len(list((tmp_path / "out").rglob("*_overlay.jpg"))) == 3
    assert_flower_shows_tasks(stack)

    again = pantile("submit", str(manifest), "--cohort", "TCGA-BRCA", "--segmenters", "toy4@1")

    assert "Nothing added" in again.stdout
    assert api.cohort("TCGA-BRCA").jobs == cohort.jobs


def tumor_dice(shared: Path, out: Path) -> dict[str, float]:
    """Dice of tumor by region, at the image's own pixels."""
    found = {}
    for truth_path in sorted((shared / "data" / "bcss" / "masks_toy4").glob("*.png")):
        slide = truth_path.stem.split("_")[0]
        (path,) = out.rglob(f"{slide}_tumor_toy4*_class_map.png")
        truth = np.asarray(Image.open(truth_path))
        class_map = np.asarray(Image.open(path))
        height, width = truth.shape
        extent = (class_map.shape[1] * 4.0, class_map.shape[0] * 4.0)
        predicted = at_pixels(class_map, height_px=height, width_px=width, extent_px=extent)
        found[slide.split("-")[2]] = dice_of_class(remap(truth, TO_TARGETS), remap(predicted, TO_TARGETS), 1)
    return found


def assert_flower_shows_tasks(stack: Stack) -> None:
    """Flower names the task, the ROI and the segmenter of each job."""
    answer = httpx.get(
        f"{stack.settings().flower_url}/api/tasks", auth=("pantile", stack.state.credentials.flower), timeout=30
    )
    told = [task["kwargs"] for task in answer.raise_for_status().json().values() if task["name"] == "segment-roi"]
    # Other tests' tasks are among them.
    assert sum("toy4" in kwargs and "TCGA-A2-" in kwargs for kwargs in told) >= 3, told


def test_a_killed_workers_job_succeeds_on_another_worker_once(
    pantile: Pantile, api: ApiClient, stack: Stack, shared: Path, manifest: Path, tmp_path: Path
) -> None:
    add_toy4(pantile, shared, tmp_path, version="2")
    pantile("submit", str(manifest), "--segmenters", "toy4@2", "--cohort", "KILLED")

    victim = kill_who_runs_a_job(api, stack)
    pantile("watch", "KILLED")

    jobs = [api.job(job.id) for job in api.jobs(cohort="KILLED")]
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    struck = [job for job in jobs if job.attempts[0].worker == victim and job.attempts[0].outcome == "lease_ended"]
    assert struck
    for job in struck:
        assert [attempt.outcome for attempt in job.attempts] == ["lease_ended", "succeeded"]
        assert job.attempts[1].worker != victim
    assert all(job.charged_attempts == 0 for job in jobs)
    assert_class_map_is_intact(jobs[0].class_map)


def kill_who_runs_a_job(api: ApiClient, stack: Stack) -> str:
    """Kills, with SIGKILL, the segment worker that runs a job; gives its name."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for job in api.jobs(cohort="KILLED", state=JobState.RUNNING):
            worker = api.job(job.id).worker
            if worker:
                pid = int(worker.split("-")[1])
                assert pid in {service.identity.pid for service in stack.state.services}
                os.kill(pid, signal.SIGKILL)
                return worker
        time.sleep(0.05)
    raise AssertionError("no job was running within a minute")


def assert_class_map_is_intact(class_map: object) -> None:
    """The stored object's bytes have the digest that the catalog names."""
    url, sha256 = getattr(class_map, "url", ""), getattr(class_map, "sha256", "")
    assert hashlib.sha256(httpx.get(url).content).hexdigest() == sha256
