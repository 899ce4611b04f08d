"""What a PNG's header says: its size, and whether its pixels are class indices. Nothing is decoded."""

import struct
from dataclasses import dataclass

HEADER_BYTES = 33

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _INDEXED = 0, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PngHeader:
    """A PNG's size, bits a sample and colour type (PNG specification, 11.2.1)."""

    width_px: int
    height_px: int
    bits: int
    colour_type: int

    @property
    def has_indices(self) -> bool:
        """Whether a pixel is one whole number of at most 8 bits, as class maps have them."""
        # Grey of fewer bits is spread over 0-255 by those who read it, indices never.
        return (self.colour_type == _INDEXED and self.bits <= 8) or (self.colour_type == _GREY and self.bits == 8)


def read_png_header(data: bytes) -> PngHeader | None:
    """The header that a file begins with; None where it is no PNG."""
    if len(data) < HEADER_BYTES or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width_px, height_px, bits, colour_type = struct.unpack(">IIBB", data[16:26])
    if not (width_px and height_px):
        return None
    return PngHeader(width_px=width_px, height_px=height_px, bits=bits, colour_type=colour_type)
