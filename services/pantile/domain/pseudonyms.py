"""Pseudonyms: what stands for names that look like accession numbers, which lead to a patient where they were given.

A pseudonym is made from the name by a key (HMAC-SHA256): the same key gives the same pseudonym, so that a case stays
one case, and without the key nobody can tell a name from its pseudonym, nor try numbers until one fits.
"""

import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePosixPath

from pantile.domain.barcodes import parse_barcode
from pantile.domain.cohorts import ManifestRow
from pantile.domain.errors import PseudonymImpossible
from pantile.domain.rois import RoiKey, file_stem

SHORTEST_KEY = 32
"""Characters of a key, so that it cannot be guessed."""

_LETTERS = 16  # 80 bits: two of a million cases share one with a chance of 1 in 2e12
_LETTERS_OF_SLIDE = 6

# Numbers of cases as laboratories write them, at the beginning of a name: a year and a running number with letters in
# front, between or not at all (S14-12345, SP-20-0001234, H2020/123456, 19S012345), or a running number alone.
_ACCESSION = re.compile(
    r"""(?P<case>
        (?:[A-Z]{1,4}[-_ ]?)?(?:19|20)?\d{2}[-_ /.]\d{3,8}
      | [A-Z]{1,4}[-_ ]?(?:19|20)?\d{2}[-_ ]?[A-Z]{0,3}[-_ ]\d{3,8}
      | \d{2}[A-Z]{1,3}[-_ ]?\d{3,8}
      | [A-Z]{0,3}[-_ ]?\d{6,12}
    )(?![0-9A-Za-z])(?P<rest>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def looks_like_accession(name: str) -> bool:
    """Whether a name begins as the number of a case does; TCGA's barcodes do not."""
    return parse_barcode(name) is None and _ACCESSION.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Gives pseudonyms by one key of 32 characters or more; raises `PseudonymImpossible` for a shorter one."""

    key: str

    def __post_init__(self) -> None:
        if len(self.key) < SHORTEST_KEY:
            raise PseudonymImpossible(f"the key has {len(self.key)} characters, and {SHORTEST_KEY} are needed")

    def name(self, name: str) -> str:
        """The name, or its pseudonym where it looks like an accession number.

        What follows the number in it (a block, a stain, a person) is part of the pseudonym, too, but slides of one
        number begin alike: `P4X7…` and `P4X7…-A2C4EF`.
        """
        found = None if parse_barcode(name) else _ACCESSION.fullmatch(name)
        if found is None:
            return name
        case = re.sub(r"[-_ /.]", "-", found["case"]).upper()
        mark = f"P{self._digest(case)[:_LETTERS]}"
        rest = found["rest"]
        return f"{mark}-{self._digest(f'{case}{rest}')[:_LETTERS_OF_SLIDE]}" if rest else mark

    def case_of(self, name: str) -> str:
        """The case of a slide without its own marks: the pseudonym of the number with which its name begins."""
        found = None if parse_barcode(name) else _ACCESSION.fullmatch(name)
        return self.name(found["case"]) if found else name

    def row(self, row: ManifestRow) -> ManifestRow:
        """A row of a manifest without accession numbers in its slide, case, and path, of which only a name is left.

        Raises:
            PseudonymImpossible: it names an address that has such a number, which would have to be kept.
        """
        slide = self.name(row.key.slide)
        case = self.case_of(row.case)
        if row.is_remote:
            self.check_address(row.path)
            return replace(row, case=case, key=replace(row.key, slide=slide))
        key = RoiKey(slide=slide, tissue_type=row.key.tissue_type, roi_number=row.key.roi_number)
        file = f"{key.name()}{PurePosixPath(row.path).suffix.lower()}" if self.hides(row) else file_name(row.path)
        return replace(row, path=file, case=case, key=key)

    def hides(self, row: ManifestRow) -> bool:
        """Whether something in the row looks like an accession number."""
        names = (row.key.slide, row.case, *_parts(row.path))
        return any(looks_like_accession(name) for name in names)

    def check_address(self, address: str) -> None:
        """Raises `PseudonymImpossible` for an address that has an accession number."""
        if any(looks_like_accession(part) for part in _parts(address)):
            raise PseudonymImpossible("an address with an accession number in it would be kept; copy the file first")

    def _digest(self, text: str) -> str:
        return b32encode(hmac.digest(self.key.encode(), text.encode(), sha256)).decode()


def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePosixPath(path.replace("\\", "/")).name


def _parts(path: str) -> Sequence[str]:
    """The names in a path or address: its folders, and the file's without its ending."""
    return (*PurePosixPath(path.replace("\\", "/")).parts[:-1], file_stem(path))
