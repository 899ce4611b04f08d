"""The study's CSV: the ten columns of its `scoring_data.csv`, and how an ROI's file name is read and written."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pantile.domain.barcodes import parse_barcode
from pantile.domain.csv_text import Cell
from pantile.domain.rois import RoiKey, TissueType, parse_tissue_type

STUDY_COLUMNS = (
    *("file_name", "tcga_project", "tcga_case_id", "tcga_sample_id", "tcga_uuid"),
    *("slide_mpp", "tissue_type", "model", "score", "comment"),
)
"""The columns of the study's `scoring_data.csv`, in their order."""

DICE_COLUMNS: Mapping[str, str] = {
    "breast": "BRCA_score",
    "colon": "COADREAD_score",
    "lung": "LUNG_score",
    "kidney": "RCC_score",
    "prostate": "PRAD_score",
}
"""What the study's table for the comparison with Dice calls the scores of its segmenters."""

# `{slide}_{mpp}_{tumor|normal}`, as the study's images of outputs are named; ROIs' own images add `_original`.
_NAME = re.compile(
    r"(?P<slide>.+)_(?P<mpp>\d+(?:\.\d+)?)_(?P<tissue>tumou?r|normal|benign)(?:_original)?(?:_roi_(?P<number>\d+))?",
    re.IGNORECASE,
)
_MODEL = re.compile(r"(?P<base>.+)_model(?P<number>\d{1,3})(?:\.[A-Za-z]{3,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiColumns:
    """What the study's CSV says of an ROI, word for word."""

    base: str
    """Its file name without `_modelN.jpg`."""

    project: str
    case: str
    sample: str
    uuid: str
    mpp: str
    tissue_type: str

    def cells(self, number: int, value: int | None, comment: str) -> tuple[Cell, ...]:
        """A row of the CSV: a score of the segmenter of that number, or none."""
        return (
            *(f"{self.base}_model{number}.jpg", self.project, self.case, self.sample, self.uuid),
            *(self.mpp, self.tissue_type, f"model{number}", value, comment),
        )

    def document(self) -> dict[str, str]:
        """As JSON, of which `columns_from` makes the same."""
        return asdict(self)


def columns_from(document: Mapping[str, str]) -> RoiColumns:
    """The columns that a document keeps."""
    return RoiColumns(**{name: document[name] for name in RoiColumns.__slots__})


def columns_of(key: RoiKey, *, source: str, cohort: str, case: str, mpp: float) -> RoiColumns:
    """What the study's CSV says of an ROI that was submitted; its mpp is the plain float of the file name."""
    barcode = parse_barcode(key.slide)
    stem = _stem(source)
    number = f"_roi_{key.roi_number}" if key.roi_number != 1 else ""
    # Of a name of the study's form, the mpp stays as it is written there.
    named = _NAME.fullmatch(stem)
    written = named["mpp"] if named else f"{mpp!r}"
    return RoiColumns(
        base=f"{key.slide}_{written}_{key.tissue_type}{number}",
        project=cohort,
        case=case,
        sample=f"{barcode.case}-{barcode.sample}" if barcode and barcode.sample else "",
        uuid=barcode.uuid or "" if barcode else "",
        mpp=f"{mpp!r}",
        tissue_type=key.tissue_type,
    )


def image_name(base: str) -> str:
    """What the study's table for the comparison with Dice calls an ROI: always by a number, and tumor goes unsaid."""
    found = _NAME.fullmatch(base)
    if found is None:
        return base
    # The study's table has tumor ROIs alone. Of a slide with one of each, two would have the same name.
    tissue = "" if parse_tissue_type(found["tissue"]) is TissueType.TUMOR else "_normal"
    return f"{found['slide']}_{found['mpp']}{tissue}_original_roi_{found['number'] or 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredName:
    """What the name of a scored image says: of which ROI it is, and of which segmenter, by number."""

    base: str
    key: RoiKey
    number: int


def parse_scored_name(file_name: str, *, tissue_type: str) -> ScoredName | None:
    """What a file name of the study's CSV says; None where it is of another form.

    Raises:
        ValueError: the tissue type is neither tumor nor normal.
    """
    model = _MODEL.fullmatch(file_name)
    if model is None:
        return None
    named = _NAME.fullmatch(model["base"])
    kind: TissueType = parse_tissue_type(tissue_type or (named["tissue"] if named else ""))
    slide = named["slide"] if named else model["base"]
    roi_number = int(named["number"] or 1) if named else 1
    key = RoiKey(slide=slide, tissue_type=kind, roi_number=roi_number)
    return ScoredName(base=model["base"], key=key, number=int(model["number"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreLine:
    """A line of the study's CSV."""

    where: str
    name: ScoredName
    columns: RoiColumns
    value: int | None
    comment: str


def _stem(source: str) -> str:
    path = unquote(urlsplit(source).path) if "://" in source else source.replace("\\", "/")
    return PurePosixPath(path).stem
