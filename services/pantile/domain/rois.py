"""ROIs: what identifies one, and all that the study's file names carry."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pantile.domain.barcodes import parse_barcode
from pantile.domain.errors import MppOutOfRange

MIN_MPP = 0.05
MAX_MPP = 5.0

WHOLE_SLIDE = 0
"""The `roi_number` of an ROI that is its whole slide; those that somebody placed are numbered from 1."""


class TissueType(StrEnum):
    """What the pathologist placed the ROI on. The article says benign; files say normal."""

    TUMOR = "tumor"
    NORMAL = "normal"


def check_mpp(mpp: float) -> float:
    """The mpp itself, if it is one; raises `MppOutOfRange` beyond 0.05-5 (and for NaN)."""
    if not MIN_MPP <= mpp <= MAX_MPP:
        raise MppOutOfRange(f"got {mpp:g}")
    return mpp


@dataclass(frozen=True, slots=True, kw_only=True)
class NameParts:
    """What a file name says of its ROI; None where it says nothing."""

    slide: str
    cohort: str | None = None
    case: str | None = None
    mpp: float | None = None
    tissue_type: TissueType | None = None
    roi_number: int = 1


_STUDY_NAME = re.compile(
    r"(?P<slide>.+)_(?P<mpp>\d+(?:\.\d+)?)(?:_(?P<tissue>tumou?r|normal|benign))?_original(?:_roi_(?P<number>\d+))?",
    re.IGNORECASE,
)


def parse_name(address: str) -> NameParts:
    """What the last part of a path or address says of its ROI.

    Knows the study's `{slide}_{mpp}_{tumor|normal}_original[_roi_{N}].jpg`, with slides named
    `TCGA-<PROJECT>-<CASE>…` or by their plain TCGA barcode (those with ground truth have no tissue word); of any other
    name, the stem is the slide.
    """
    stem = file_stem(address)
    study = _STUDY_NAME.fullmatch(stem)
    slide = study["slide"] if study else stem
    barcode = parse_barcode(slide)
    return NameParts(
        slide=slide,
        cohort=barcode.cohort if barcode else None,
        case=barcode.case if barcode else None,
        mpp=float(study["mpp"]) if study else None,
        tissue_type=_tissue(study["tissue"]) if study and study["tissue"] else None,
        roi_number=int(study["number"] or 1) if study else 1,
    )


def parse_tissue_type(text: str) -> TissueType:
    """The tissue type a person wrote: tumor (tumour) or normal (benign); raises ValueError for anything else."""
    try:
        return _tissue(text.strip())
    except KeyError as error:
        raise ValueError(f"tissue type {text!r} is neither tumor nor normal") from error


def _tissue(word: str) -> TissueType:
    words = {
        "tumor": TissueType.TUMOR,
        "tumour": TissueType.TUMOR,
        "normal": TissueType.NORMAL,
        "benign": TissueType.NORMAL,
    }
    return words[word.lower()]


def file_stem(address: str) -> str:
    """The name of the file at a path or address, without its ending."""
    path = unquote(urlsplit(address).path) if "://" in address else address.replace("\\", "/")
    return PurePosixPath(path).stem


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiKey:
    """What makes an ROI itself within its cohort."""

    slide: str
    tissue_type: TissueType
    roi_number: int

    def name(self) -> str:
        """A readable name, for messages, files and people."""
        if self.roi_number == WHOLE_SLIDE:
            return f"{self.slide}_whole"
        number = f"_roi_{self.roi_number}" if self.roi_number != 1 else ""
        return f"{self.slide}_{self.tissue_type}{number}"
