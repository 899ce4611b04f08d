"""Ground truth in a folder on this machine: found, checked before anything is sent, uploaded and added in parts."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PIL import PngImagePlugin

from pantile.client.api import ApiClient
from pantile.client.uploads import AT_ONCE, HashedFile, hash_files, upload_file
from pantile.domain.dice import DiceProtocol
from pantile.domain.errors import FileRefused, GroundTruthRefused
from pantile.domain.ground_truth import TruthScheme
from pantile.schemas.ground_truths import (
    GroundTruthIn,
    TruthClassIn,
    TruthFileIn,
    TruthMapIn,
    TruthSchemeIn,
)

LEGEND_FILE = "legend.csv"
"""What a folder's own legend is called."""

_AT_ONCE = 50
"""Files that are added by one request: the web service reads each whole, to check its digest."""


@dataclass(slots=True)
class TruthsAdded:
    """What became of a folder's files; names of ROIs, and of files that are named after none."""

    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def find_truth_files(folder: Path) -> list[Path]:
    """The PNGs of a folder by name; raises `FileRefused` where there is none."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png")
    except OSError as error:
        raise FileRefused(f"{folder}, {error.strerror or error}") from error
    if not files:
        raise FileRefused(f"{folder} has no PNG in it")
    return files


def check_truth_file(file: Path, scheme: TruthScheme) -> None:
    """Raises `GroundTruthRefused` for a file that is no class map, is damaged, or has indices beyond its scheme."""
    try:
        # Named directly, for Image.open refuses more than 179 million pixels.
        with PngImagePlugin.PngImageFile(file) as picture:
            if picture.mode not in {"P", "L"}:
                raise GroundTruthRefused(f"{file} has the mode {picture.mode}; a class map has one 8-bit band")
            present = [index for index, pixels in enumerate(picture.histogram()) if pixels]
    except (OSError, SyntaxError, ValueError, zlib.error) as error:
        raise GroundTruthRefused(f"{file} cannot be read, {error}") from error
    try:
        scheme.check_indices(present)
    except GroundTruthRefused as error:
        raise GroundTruthRefused(f"{file}: {error.detail}") from error


def add_ground_truths(
    api: ApiClient,
    cohort: str,
    files: Sequence[Path],
    scheme: TruthScheme,
    *,
    replace: bool,
    on_file: Callable[[], None],
) -> TruthsAdded:
    """Uploads files and adds them to a cohort, calling `on_file` after each; again, it goes on where it was.

    Raises:
        FileRefused, GroundTruthRefused: a file cannot be read, or is no class map of the scheme; nothing was sent then.
        ApiRefused, TransferFailed: as the client's calls do.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda file: check_truth_file(file, scheme), files):
            pass
        outcome = TruthsAdded()
        for part in _parts(hash_files(files)):
            _upload(api, cohort, part, threads)
            maps = [TruthMapIn(file=each.file.name, sha256=each.sha256) for each in part]
            done = api.add_ground_truth(cohort, GroundTruthIn(maps=maps, scheme=_scheme_in(scheme), replace=replace))
            for name in TruthsAdded.__dataclass_fields__:
                getattr(outcome, name).extend(getattr(done, name))
            for _ in part:
                on_file()
    return outcome


def _parts(files: Sequence[HashedFile]) -> Iterator[Sequence[HashedFile]]:
    for start in range(0, len(files), _AT_ONCE):
        yield files[start : start + _AT_ONCE]


def _upload(api: ApiClient, cohort: str, files: Sequence[HashedFile], threads: ThreadPoolExecutor) -> None:
    asked = [TruthFileIn(sha256=each.sha256, bytes=each.bytes) for each in files]
    urls = {upload.sha256: upload.url for upload in api.announce_ground_truth(cohort, asked)}
    by_digest = {each.sha256: each for each in files}
    wanted = [(url, by_digest[sha256]) for sha256, url in urls.items() if url is not None]
    for _ in threads.map(lambda pair: upload_file(*pair), wanted):
        pass


def _scheme_in(scheme: TruthScheme) -> TruthSchemeIn:
    return TruthSchemeIn(
        name=scheme.name,
        is_open=scheme.is_open,
        classes=[
            TruthClassIn(
                index=each.index,
                name=each.name,
                article=each.targets[DiceProtocol.ARTICLE],
                published_code=each.targets[DiceProtocol.PUBLISHED_CODE],
            )
            for each in scheme.classes
        ],
    )
