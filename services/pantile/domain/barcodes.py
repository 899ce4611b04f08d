"""TCGA barcodes: what the names of slides say of project, case, sample and slide.

The parts are those of https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/: `TCGA-A2-A0D2-01Z-00-DX1` is slide
DX1 of portion 00, vial Z, of sample 01 (a primary solid tumor) of participant A0D2 of tissue source site A2. The study
writes the project between `TCGA` and the rest, and may repeat the `TCGA`.
"""

import re
from dataclasses import dataclass

_BARCODE = re.compile(
    r"TCGA-(?:(?P<project>[A-Z]{2,8})-(?:TCGA-)?)?(?P<site>[A-Z0-9]{2})-(?P<participant>[A-Z0-9]{4})(?![A-Z0-9])"
    r"(?:-(?P<sample>\d{2})(?P<vial>[A-Z])?(?:-(?P<portion>\d{2})(?:-(?P<slide>(?:DX|TS|BS|MS)[A-Z0-9]{1,2}))?)?)?"
    r"(?:\.(?P<uuid>[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}))?",
    re.IGNORECASE,
)
_NORMAL_SAMPLES = range(10, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcgaBarcode:
    """The parts of a barcode; None where it ends before."""

    site: str
    participant: str
    project: str | None = None
    sample: str | None = None
    slide: str | None = None
    uuid: str | None = None

    @property
    def case(self) -> str:
        """The patient: `TCGA-A2-A0D2`."""
        return f"TCGA-{self.site}-{self.participant}"

    @property
    def cohort(self) -> str | None:
        """The project as a cohort: `TCGA-BRCA`."""
        return f"TCGA-{self.project}" if self.project else None

    @property
    def is_diagnostic(self) -> bool | None:
        """Whether it is a diagnostic (fixed) slide; frozen sections are TS, BS or MS. None if it names none."""
        return self.slide.startswith("DX") if self.slide else None

    @property
    def is_normal_sample(self) -> bool | None:
        """Whether the sample is normal tissue (sample types 10 to 19); None if the barcode names none."""
        return int(self.sample[:2]) in _NORMAL_SAMPLES if self.sample else None


def parse_barcode(name: str) -> TcgaBarcode | None:
    """The barcode with which a name begins, in capitals (the UUID in small letters); None if it begins with none."""
    found = _BARCODE.match(name)
    if found is None:
        return None
    project, sample, vial, slide, uuid = found.group("project", "sample", "vial", "slide", "uuid")
    return TcgaBarcode(
        project=project.upper() if project else None,
        site=found["site"].upper(),
        participant=found["participant"].upper(),
        sample=f"{sample}{vial or ''}".upper() if sample else None,
        slide=slide.upper() if slide else None,
        uuid=uuid.lower() if uuid else None,
    )
