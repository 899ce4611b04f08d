"""A study as files: the folder that the article's study published, and releases for an archive."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantile import __version__
from pantile.client.downloads import safe_name, write_whole
from pantile.client.studies import StudiesClient
from pantile.domain.crates import METADATA_FILE, CrateFile, CrateSegmenter, Release, citation, crate_metadata
from pantile.domain.csv_text import write_csv
from pantile.domain.dice import DiceProtocol
from pantile.domain.dice_remaps import published_cohort
from pantile.domain.errors import FileRefused
from pantile.domain.rois import TissueType
from pantile.domain.study_dice import DETAILED_COLUMNS
from pantile.domain.study_exports import ExportKind
from pantile.schemas.segmenters import SegmenterOut
from pantile.schemas.studies import StudyOut

_STUDY_COHORTS = ("LUNG", "PRAD", "BRCA", "COADREAD")
"""The cohorts with ground truth in the order of the study's folders."""

_STUDY_MODELS = {"breast": "BRCA", "colon": "CRC"}
"""What the study's folders call segmenters; others by their name in capitals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFile:
    """A file of a study, its bytes, and what it is in words."""

    path: str
    title: str
    content: bytes


def study_files(api: StudiesClient, study: StudyOut) -> Iterator[StudyFile]:
    """The files that the article's study published, of this study: scores, those of a second rater, Dice.

    What the study has nothing of is left out.
    """
    named = (
        ("scoring_data.csv", ExportKind.STUDY, "Scores of the first readings"),
        ("scoring_data_second_rater.csv", ExportKind.SECOND, "Scores of the second readings"),
        ("pathologist_inference_ratings.csv", ExportKind.DICE_WIDE, "Scores by ROI, for the comparison with Dice"),
    )
    for path, kind, title in named:
        content = api.export(study.name, kind, rater=None, excel_safe=False)
        if content.count(b"\n") > 1:
            yield StudyFile(path=path, title=title, content=content)
    yield from _dice_files(api, study)


def _dice_files(api: StudiesClient, study: StudyOut) -> Iterator[StudyFile]:
    """Of tumor ROIs, as the study's: a normal one of the same slide and number would have the same name."""
    table = io.StringIO(api.dice_csv(study.name, DiceProtocol.PUBLISHED_CODE), newline="")
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(table):
        if row["tissue_type"] == TissueType.TUMOR:
            rows.setdefault((row["cohort"], row["segmenter"]), []).append(row)
    for (cohort, segmenter), own in rows.items():
        yield StudyFile(
            path=f"dice-results/{_cohort_folder(cohort)}/{_model_folder(segmenter)}/detailed_dice_results.csv",
            title=f"Dice of {segmenter} on {cohort} by the published code's protocol",
            content=write_csv(DETAILED_COLUMNS, ([row[name] for name in DETAILED_COLUMNS] for row in own)).encode(),
        )


def _cohort_folder(cohort: str) -> str:
    name = published_cohort(cohort)
    number = _STUDY_COHORTS.index(name) + 1 if name in _STUDY_COHORTS else len(_STUDY_COHORTS) + 1
    # Several projects of one of the study's cohorts stay apart.
    own = "" if name == cohort.removeprefix("TCGA-") else f"/{safe_name(cohort)}"
    return f"{number:02}_{safe_name(name)}_COHORT{own}"


def _model_folder(segmenter: str) -> str:
    return f"{_STUDY_MODELS.get(segmenter, segmenter.upper())}_MODEL"


def write_files(folder: Path, files: Iterator[StudyFile]) -> list[CrateFile]:
    """Writes files below a folder, each whole; gives what was written. Raises `FileRefused`."""
    return [write_file(folder, file) for file in files]


def write_file(folder: Path, file: StudyFile) -> CrateFile:
    """Writes one file below a folder; raises `FileRefused`."""
    target = folder / file.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileRefused(f"{target.parent}, {error.strerror or error}") from error
    write_whole(target, file.content)
    media_type = {".csv": "text/csv", ".json": "application/json", ".md": "text/markdown"}.get(target.suffix)
    return CrateFile(
        path=file.path,
        title=file.title,
        media_type=media_type or "text/plain",
        bytes=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
    )


def write_release(
    api: StudiesClient, study: StudyOut, folder: Path, release: Release, *, names_raters: bool
) -> list[CrateFile]:
    """Writes a study as an RO-Crate; gives the files that it describes. Raises `FileRefused`, `ApiRefused`."""
    cards = [api.segmenter(f"{each.name}@{each.version}") for each in study.segmenters or []]
    written = write_files(folder, _release_files(api, study, cards, names_raters=names_raters))
    datasheet = StudyFile(path="DATASHEET.md", title="Datasheet", content=_datasheet(study, release, written).encode())
    cited = StudyFile(path="CITATION.cff", title="How to cite", content=citation(release).encode())
    written += [write_file(folder, datasheet), write_file(folder, cited)]
    segmenters = [
        CrateSegmenter(
            name=card.name,
            version=card.version,
            title=card.title,
            licence=card.licence,
            checkpoint_sha256=card.checkpoint_sha256,
        )
        for card in cards
    ]
    write_whole(folder / METADATA_FILE, crate_metadata(release, written, segmenters).encode())
    return written


def _release_files(
    api: StudiesClient, study: StudyOut, cards: Sequence[SegmenterOut], *, names_raters: bool
) -> Iterator[StudyFile]:
    for file in study_files(api, study):
        yield StudyFile(path=f"data/{file.path}", title=file.title, content=file.content)
    consensus = api.export(study.name, ExportKind.CONSENSUS, rater=None, excel_safe=False)
    yield StudyFile(path="data/consensus.csv", title="Scores with their consensus", content=consensus)
    scored = api.scored_csv(study.name).encode()
    yield StudyFile(path="data/scored_outputs.csv", title="Scored outputs with digests of class maps", content=scored)
    for cohort in study.cohorts:
        table = api.evaluations_csv(cohort, "long", DiceProtocol.PUBLISHED_CODE, None)
        if table.count("\n") > 1:
            path = f"data/evaluations/{safe_name(cohort)}.csv"
            yield StudyFile(path=path, title=f"Class maps of {cohort} against ground truth", content=table.encode())
    if names_raters:
        for kind, title in ((ExportKind.LONG, "Every score of every rater"), (ExportKind.EVENTS, "Every event")):
            content = api.export(study.name, kind, rater=None, excel_safe=False)
            yield StudyFile(path=f"data/{kind}.csv", title=title, content=content)
    yield StudyFile(path="study.json", title="The study as it was set up", content=_dump(study))
    yield StudyFile(path="data/classes.csv", title="Classes and colours of the segmenters", content=_classes(cards))
    for card in cards:
        path = f"segmenters/{card.name}.json"
        yield StudyFile(path=path, title=f"Card of the segmenter {card.name}", content=_dump(card))


def _dump(shape: StudyOut | SegmenterOut) -> bytes:
    hidden = {"role", "created_by"}  # of who asks and of an account, not of the study
    return (shape.model_dump_json(indent=2, exclude=hidden) + "\n").encode()


def _classes(cards: Sequence[SegmenterOut]) -> bytes:
    columns = ("segmenter", "version", "index", "class", "group", "simplified", "detailed")
    rows = (
        (
            card.name,
            card.version,
            each.index,
            each.name,
            each.group.value,
            *map(_hex, (each.simplified_rgb, each.detailed_rgb)),
        )
        for card in cards
        for each in card.classes
    )
    return write_csv(columns, rows).encode()


def _hex(rgb: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


def _datasheet(study: StudyOut, release: Release, files: Sequence[CrateFile]) -> str:
    """Datasheet for datasets (Gebru et al., CACM 2021), with what the study itself knows."""
    segmenters = ", ".join(f"{each.number} {each.name} {each.version}" for each in study.segmenters or [])
    questions = "".join(f"- {each.prompt} ({each.kind})\n" for each in study.questions)
    anchors = ", ".join(f"{value} {word}" for value, word in sorted(study.anchors.items(), key=lambda at: -int(at[0])))
    listed = "".join(f"| `{file.path}` | {file.title} | {file.bytes:,} |\n" for file in files)
    return f"""# Datasheet: {release.title}

{release.description}

## Motivation

Segmenters are compared by what pathologists make of their class maps. Made by {", ".join(release.authors)}.

## Composition

{study.rois:,} ROIs of the cohorts {", ".join(study.cohorts)} ({", ".join(study.tissue_types)}), {study.outputs:,} class
maps of the segmenters {segmenters}; {study.outputs_missing:,} pairs of ROI and segmenter have no class map. Images and
class maps are not part of the release; `data/scored_outputs.csv` names class maps by their SHA-256.

| file | what | bytes |
|---|---|---|
{listed}
## Collection

Raters saw the outputs of an ROI as {study.presentation}, {"without" if study.is_blinded else "with"} the segmenters'
names, in an order drawn by lot from the seed {study.seed}. They were asked:

{questions}
Anchors of the score: {anchors}. Scores of two raters that differ by {study.adjudication_delta} or more were
adjudicated. The study is {study.state}.

## Processing

Scores are as they were given. A consensus, where one was signed, stands beside them. Dice is computed under the
protocol that a file names; its scheme and remap stand with each figure.

## Uses, distribution, maintenance

Licence: {release.licence}. Made with Pantile {release.software_version} on {release.date[:10]}. How to cite it:
`CITATION.cff`.
"""


def software_version() -> str:
    """This Pantile's version."""
    return __version__
