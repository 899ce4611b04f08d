"""Ground truth taken in: each file found its ROI, checked by digest, header and shape, and kept; then evaluated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog import evaluations, ground_truths
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Database
from pantile.catalog.ground_truths import GroundTruth, ImagedRoi
from pantile.catalog.holdings import incoming_key
from pantile.domain.errors import GroundTruthRefused, ObjectMissing, UploadMissing
from pantile.domain.ground_truth import RoiFinder, TruthScheme, check_shape
from pantile.domain.png_headers import HEADER_BYTES, PngHeader, read_png_header
from pantile.domain.rois import file_stem
from pantile.objects import ObjectStore

MAX_BYTES = 256 << 20
"""The largest file that is taken: a class map of 12,500 x 10,000 px has a few MiB, and 119 where nothing compresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthFile:
    """A file of ground truth that was uploaded: its name and digest."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthsTaken:
    """The names of ROIs whose ground truth was added, replaced or stayed; `other` have another; `unknown` are files."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    unchanged: tuple[str, ...]
    other: tuple[str, ...]
    unknown: tuple[str, ...]


def truth_key(sha256: str) -> str:
    """Where ground truth is kept."""
    return f"ground-truth/{sha256}.png"


def take_ground_truths(
    database: Database,
    objects: ObjectStore,
    cohort: str,
    files: Sequence[TruthFile],
    scheme: TruthScheme,
    *,
    replace: bool,
    max_megapixels: float,
    actor: str,
) -> TruthsTaken:
    """Takes uploaded ground truth of a cohort's ROIs in, and has the class maps of these evaluated. Audited.

    Raises:
        CohortNotFound: there is no such cohort.
        UploadMissing: a file is neither kept nor uploaded.
        GroundTruthRefused: a file is no class map or does not fit its ROI; nothing is added then.
    """
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        rois = {roi.named.id: roi for roi in ground_truths.list_imaged_rois(connection, cohort_id)}
    found, unknown = _find_rois(files, rois)
    truths = [_take(objects, file, rois[roi_id], scheme, max_megapixels) for roi_id, file in found.items()]
    with database.transaction() as connection:
        kept = ground_truths.keep_ground_truths(connection, cohort_id, truths, replace=replace, actor=actor)
        evaluations.ask_evaluations(connection, cohort_id=cohort_id)

    def names(ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(rois[each].named.name for each in ids)

    return TruthsTaken(
        added=names(kept.added),
        replaced=names(kept.replaced),
        unchanged=names(kept.unchanged),
        other=names(kept.other),
        unknown=tuple(unknown),
    )


def _find_rois(files: Sequence[TruthFile], rois: dict[int, ImagedRoi]) -> tuple[dict[int, TruthFile], list[str]]:
    """The file of each ROI, by id, and the names of files that name none; raises `GroundTruthRefused`."""
    finder = RoiFinder([roi.named for roi in rois.values()])
    found: dict[int, TruthFile] = {}
    unknown: list[str] = []
    for file in files:
        roi = finder.find(file_stem(file.name))
        if roi is None:
            unknown.append(file.name)
        elif roi.id in found:
            raise GroundTruthRefused(f"{found[roi.id].name} and {file.name} are both named after {roi.name}")
        else:
            found[roi.id] = file
    return found, unknown


def _take(
    objects: ObjectStore, file: TruthFile, roi: ImagedRoi, scheme: TruthScheme, max_megapixels: float
) -> GroundTruth:
    if roi.width_px is None or roi.height_px is None:
        raise GroundTruthRefused(f"{file.name}: the image of {roi.named.name} is not stored yet")
    header = _keep(objects, file, max_megapixels)
    try:
        check_shape(
            width_px=header.width_px,
            height_px=header.height_px,
            roi_width_px=roi.width_px,
            roi_height_px=roi.height_px,
        )
    except GroundTruthRefused as error:
        raise GroundTruthRefused(f"{file.name}: {error.detail}") from error
    key = truth_key(file.sha256)
    return GroundTruth(
        roi_id=roi.named.id,
        file=file.name,
        object_key=key,
        sha256=file.sha256,
        bytes=objects.size(key) or 0,
        width_px=header.width_px,
        height_px=header.height_px,
        extent_width_px=roi.width_px,
        extent_height_px=roi.height_px,
        scheme=scheme,
    )


def _keep(objects: ObjectStore, file: TruthFile, max_megapixels: float) -> PngHeader:
    """The header of a file that is kept from here on, if it was not already."""
    key, uploaded = truth_key(file.sha256), incoming_key(file.sha256)
    if objects.size(key) is not None:
        return _read_header(objects, key, file, max_megapixels)
    try:
        digest = _digest(objects, uploaded, file)
    except ObjectMissing as error:
        raise UploadMissing(file.name) from error
    if digest != file.sha256:
        objects.delete(uploaded)
        raise GroundTruthRefused(f"{file.name}: the upload has the digest {digest[:12]}…, not {file.sha256[:12]}…")
    header = _read_header(objects, uploaded, file, max_megapixels)
    objects.copy(uploaded, key)
    objects.delete(uploaded)
    return header


def _digest(objects: ObjectStore, key: str, file: TruthFile) -> str:
    digest, size = hashlib.sha256(), 0
    for part in objects.chunks(key):
        size += len(part)
        if size > MAX_BYTES:
            raise GroundTruthRefused(f"{file.name} has more than {MAX_BYTES >> 20} MiB")
        digest.update(part)
    return digest.hexdigest()


def _read_header(objects: ObjectStore, key: str, file: TruthFile, max_megapixels: float) -> PngHeader:
    header = read_png_header(objects.head(key, bytes_=HEADER_BYTES))
    if header is None or not header.has_indices:
        raise GroundTruthRefused(f"{file.name} is no PNG of one 8-bit band, as class maps are")
    if header.width_px * header.height_px > max_megapixels * 1_000_000:
        raise GroundTruthRefused(f"{file.name} has more than {max_megapixels:g} megapixels")
    return header
