"""Pictures of slides that are made when they are asked for: small ones of the stored overviews."""

from io import BytesIO

from PIL import Image

THUMBNAIL_PX = 480
"""The longer side: a card of the list of slides on a screen with two pixels a point."""

_QUALITY = 80


def shrink_overview(overview: bytes) -> bytes:
    """A JPEG of at most `THUMBNAIL_PX` of an overview, which is a JPEG of ours."""
    with Image.open(BytesIO(overview)) as picture:
        picture.draft("RGB", (THUMBNAIL_PX, THUMBNAIL_PX))  # decodes an eighth of the pixels of a large one
        picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        file = BytesIO()
        picture.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
