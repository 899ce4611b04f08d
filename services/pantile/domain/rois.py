"""ROIs: what identifies one, and all that the study's file names carry."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pantile.domain.errors import MppOutOfRange

MIN_MPP = 0.05
MAX_MPP = 5.0


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
    r"(?P<slide>.+)_(?P<mpp>\d+(?:\.\d+)?)_(?P<tissue>tumou?r|normal|benign)_original(?:_roi_(?P<number>\d+))?",
    re.IGNORECASE,
)
# Projects have two to eight letters (OV, BRCA, COADREAD); a tissue source site has two characters, a participant four.
_TCGA_PROJECT = re.compile(
    r"TCGA-(?P<project>[A-Z]{2,8})-(?:TCGA-)?(?P<site>[A-Z0-9]{2})-(?P<participant>[A-Z0-9]{4})(?![A-Z0-9])",
    re.IGNORECASE,
)
_TCGA_CASE = re.compile(r"TCGA-(?P<site>[A-Z0-9]{2})-(?P<participant>[A-Z0-9]{4})(?![A-Z0-9])", re.IGNORECASE)


def parse_name(address: str) -> NameParts:
    """What the last part of a path or address says of its ROI.

    Knows the study's `{slide}_{mpp}_{tumor|normal}_original[_roi_{N}].jpg`, with slides named
    `TCGA-<PROJECT>-<CASE>…` or by their plain TCGA barcode; of any other name, the stem is the slide.
    """
    stem = _stem(address)
    study = _STUDY_NAME.fullmatch(stem)
    slide = study["slide"] if study else stem
    project = _TCGA_PROJECT.match(slide)
    case = project or _TCGA_CASE.match(slide)
    return NameParts(
        slide=slide,
        cohort=f"TCGA-{project['project'].upper()}" if project else None,
        case=f"TCGA-{case['site']}-{case['participant']}".upper() if case else None,
        mpp=float(study["mpp"]) if study else None,
        tissue_type=_tissue(study["tissue"]) if study else None,
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


def _stem(address: str) -> str:
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
        number = f"_roi_{self.roi_number}" if self.roi_number != 1 else ""
        return f"{self.slide}_{self.tissue_type}{number}"
