"""The published study taken into a Pantile: ROIs with their images, class maps, scores, so that a group can go on."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from PIL import PngImagePlugin

from pantile.client.imports import ImportsClient
from pantile.client.published import SCORES, PublishedRoi, PublishedStudy, scores_of
from pantile.client.uploads import AT_ONCE, HashedFile, hash_files, upload_file, upload_images
from pantile.domain.card_text import write_card
from pantile.domain.errors import ClassMapRefused, TransferFailed
from pantile.domain.readings import Purpose
from pantile.domain.segmenters import Card
from pantile.domain.studies import StudyChange, StudyRole, StudyState
from pantile.domain.study_names import STUDY_NUMBERS
from pantile.schemas.ground_truths import TruthFileIn
from pantile.schemas.imports import ImportedMapIn, ImportedRoi
from pantile.schemas.studies import StudyIn
from pantile.schemas.study_exports import ImportOut

VERSION = "study"
"""The version under which the study's segmenters are registered without weights, apart from those with them."""

_ROIS_AT_ONCE, _MAPS_AT_ONCE = 500, 50
_POLL_S = 0.5

OnStep = Callable[[str], None]
Each = TypeVar("Each")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAsked:
    """How a published study is to be called here, and whose the scores of its two files are."""

    name: str
    title: str
    raters: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTaken:
    """What came of an import: class maps that are new; scores by file, with those left out for want of a class map."""

    rois: int
    class_maps: int
    scores: dict[str, ImportOut]
    left_out: dict[str, int]


def import_study(
    api: ImportsClient, study: PublishedStudy, asked: StudyAsked, cards: Sequence[Card], *, on_step: OnStep
) -> StudyTaken:
    """Takes the ROIs with image and class map in, makes the study if it is not there, and imports the scores.

    The same again adds nothing, and goes on where it was interrupted.

    Raises:
        FileRefused, ClassMapRefused, TransferFailed: a file cannot be read, is no class map, or cannot be uploaded.
        ApiRefused: as the client's calls do.
    """
    names = {number: name for name, number in STUDY_NUMBERS.items()}
    for card in cards:
        api.import_segmenter(write_card(replace(card, version=VERSION)))
    by_project: dict[str, list[PublishedRoi]] = {}
    for roi in study.whole:
        by_project.setdefault(roi.columns.project, []).append(roi)
    added = 0
    for project, rois in by_project.items():
        on_step(f"{project}: {len(rois):,} ROIs")
        _import_images(api, project, rois)
        for number, name in names.items():
            added += _import_maps(api, project, name, [(roi, roi.masks[number]) for roi in rois if number in roi.masks])
    on_step("scores")
    _open_study(api, asked, list(by_project), [f"{names[number]}@{VERSION}" for number in sorted(names)])
    scores, left_out = _import_scores(api, study, asked)
    return StudyTaken(rois=len(study.whole), class_maps=added, scores=scores, left_out=left_out)


def _import_images(api: ImportsClient, project: str, rois: Sequence[PublishedRoi]) -> None:
    """Uploads the ROIs' images, and waits until they are stored."""
    hashed = hash_files([roi.image for roi in rois if roi.image is not None])
    for part in _parts(list(zip(rois, hashed, strict=True)), _ROIS_AT_ONCE):
        api.import_rois(project, [_imported_roi(roi, file) for roi, file in part])
    outcome = upload_images(api, project, {file.sha256: file for file in hashed})
    if outcome.failures:
        raise TransferFailed(next(iter(outcome.failures.values())))
    while api.cohort(project).rois["arriving"]:
        time.sleep(_POLL_S)


def _imported_roi(roi: PublishedRoi, file: HashedFile) -> ImportedRoi:
    return ImportedRoi(
        path=file.file.name,
        case=roi.columns.case or roi.key.slide,
        slide=roi.key.slide,
        tissue_type=roi.key.tissue_type,
        roi_number=roi.key.roi_number,
        mpp=roi.mpp,
        sha256=file.sha256,
        bytes=file.bytes,
    )


def _import_maps(api: ImportsClient, project: str, segmenter: str, masks: Sequence[tuple[PublishedRoi, Path]]) -> int:
    added = 0
    for part in _parts(masks, _MAPS_AT_ONCE):
        files = hash_files([path for _, path in part])
        with ThreadPoolExecutor(AT_ONCE) as threads:
            counted = list(threads.map(lambda file: count_classes(file.file), files))
            announced = [TruthFileIn(sha256=file.sha256, bytes=file.bytes) for file in files]
            by_digest = {file.sha256: file for file in files}
            uploads = {each.sha256: each.url for each in api.announce_class_maps(project, announced)}
            wanted = [(url, by_digest[sha256]) for sha256, url in uploads.items() if url is not None]
            list(threads.map(lambda pair: upload_file(*pair), wanted))
        maps = [
            ImportedMapIn(roi=roi.key.name(), sha256=file.sha256, class_pixels=pixels)
            for (roi, _), file, pixels in zip(part, files, counted, strict=True)
        ]
        added += api.import_class_maps(project, f"{segmenter}@{VERSION}", maps).added
    return added


def count_classes(file: Path) -> list[int]:
    """The pixels of each class index in a mask, up to the highest that is there; raises `ClassMapRefused`."""
    try:
        # Named directly, for Image.open refuses more than 179 million pixels.
        with PngImagePlugin.PngImageFile(file) as picture:
            if picture.mode not in {"P", "L"}:
                raise ClassMapRefused(f"{file} has the mode {picture.mode}; a class map has one 8-bit band")
            pixels: list[int] = picture.histogram()
    except (OSError, SyntaxError, ValueError) as error:
        raise ClassMapRefused(f"{file} cannot be read, {error}") from error
    while len(pixels) > 1 and not pixels[-1]:
        pixels.pop()
    return pixels


def _open_study(api: ImportsClient, asked: StudyAsked, cohorts: list[str], segmenters: list[str]) -> None:
    """Makes the study, if it is not there, publishes it, and takes its raters in."""
    if asked.name not in {each.name for each in api.studies()}:
        api.create_study(StudyIn(name=asked.name, title=asked.title, cohorts=cohorts, segmenters=segmenters))
    if api.study(asked.name).state is StudyState.DRAFT:
        api.step_study(asked.name, StudyChange.PUBLISH, password="")
    members = {each.account for each in api.members(asked.name)}
    for rater in asked.raters:
        if rater not in members:
            api.set_member(asked.name, rater, StudyRole.RATER)
    api.refresh_study(asked.name)


def _import_scores(
    api: ImportsClient, study: PublishedStudy, asked: StudyAsked
) -> tuple[dict[str, ImportOut], dict[str, int]]:
    wanted = {at for at, roi in study.rois.items() if roi.is_whole}
    done: dict[str, ImportOut] = {}
    left_out: dict[str, int] = {}
    for name, rater in zip(study.files, asked.raters, strict=False):
        text, scores, left_out[name] = scores_of(study, name, wanted)
        if scores:
            purpose = Purpose.PRIMARY if name == SCORES else Purpose.SECOND
            with TemporaryDirectory() as folder:
                file = Path(folder) / name
                file.write_text(text, encoding="utf-8")
                done[name] = api.import_scores(asked.name, file, rater=rater, purpose=purpose, dry_run=False)
    return done, left_out


def _parts(items: Sequence[Each], size: int) -> Iterator[Sequence[Each]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
