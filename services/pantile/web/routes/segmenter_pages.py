"""Pages of segmenters: all of them, and each with what its card says."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.domain.legends import LEGEND, LegendPalette
from pantile.schemas.segmenters import SegmenterOut
from pantile.web.given import GivenDatabase, SegmenterPath
from pantile.web.pages import render_for
from pantile.web.routes import segmenters

router = APIRouter(prefix="/segmenters", include_in_schema=False)

Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]

_ACCESSIBLE = {entry.group: entry.colours.get(LegendPalette.ACCESSIBLE) for entry in LEGEND}


@router.get("")
def list_segmenters(request: Request, database: GivenDatabase, *, q: Word = "") -> Response:
    """Registered segmenters by name, then those that wait for their checkpoint."""
    found = segmenters.list_segmenters(database).segmenters
    words = q.strip().lower()
    return render_for(
        request,
        "segmenters/list.html",
        listed=[each for each in found if words in _searched(each)],
        accessible=_ACCESSIBLE,
        q=q.strip(),
    )


def _searched(segmenter: SegmenterOut) -> str:
    """What words are looked for in."""
    return " ".join([segmenter.name, segmenter.title, *segmenter.training_cohorts]).lower()


@router.get("/{name}")
def show_segmenter(request: Request, name: SegmenterPath, database: GivenDatabase) -> Response:
    """A segmenter's card: classes and colours, training, mpp, precision, licence, checkpoint."""
    segmenter = segmenters.show_segmenter(name, database)
    return render_for(request, "segmenters/card.html", segmenter=segmenter, accessible=_ACCESSIBLE)
