"""Links to slides under pseudonyms: Pantile is told of the link, and only the file system knows the file behind it."""

from pathlib import Path

from pantile.domain.barcodes import parse_barcode
from pantile.domain.errors import FileRefused, PseudonymImpossible
from pantile.domain.pseudonyms import Pseudonymiser, looks_like_accession
from pantile.schemas.slides import SlideIn


def pseudonymise_slide(source: str, own: Pseudonymiser, *, mpp: float | None, links: Path | None) -> SlideIn:
    """A slide to be added whose name, case and path have no accession number; its file is linked where they had one.

    Raises:
        PseudonymImpossible: an address has such a number, or a link is needed and no folder was named for it.
        FileRefused: the link cannot be made, or is there and leads to another file.
    """
    if "://" in source:
        own.check_address(source)
        return SlideIn(source=source, mpp=mpp)
    file = Path(source)
    if not any(looks_like_accession(part) for part in (*file.parts[:-1], file.stem)):
        return SlideIn(source=source, mpp=mpp)
    if links is None:
        raise PseudonymImpossible("its path would be kept; name a folder for links that imaging workers see (--links)")
    name = own.name(file.stem)
    case = None if parse_barcode(name) else own.case_of(file.stem)
    link = _link(file, links.absolute() / f"{name}{file.suffix.lower()}")
    own.check_address(str(link))
    return SlideIn(source=str(link), name=name, case=case, mpp=mpp)


def _link(file: Path, link: Path) -> Path:
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(file)
    except OSError as error:
        raise FileRefused(f"{link}, {error.strerror or error}") from error
    if link.resolve() != file.resolve():
        raise FileRefused(f"{link} is there already, and leads to another file")
    return link
