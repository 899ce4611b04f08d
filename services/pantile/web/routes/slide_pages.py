"""Pages of slides: the cohorts that have some, a cohort's, and one, each with what has been placed on it."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import placings
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Row
from pantile.domain.placings import PlacingState, placed_from, placing_of
from pantile.domain.slides import Rectangle, SlideState
from pantile.web.assets import viewer_assets
from pantile.web.given import After, CohortPath, GivenDatabase, SlidePath
from pantile.web.pages import render_for, render_shell

router = APIRouter(include_in_schema=False)

_SLIDES_A_PAGE = 24
_STATES = (*PlacingState, SlideState.WAITING, SlideState.REFUSED, SlideState.WITHDRAWN)

ShortWord = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("/slides")
def list_cohorts(request: Request, database: GivenDatabase) -> Response:
    """The cohorts that have slides, and how far these are."""
    with database.transaction() as connection:
        found = placings.list_placed_cohorts(connection)
    return render_for(request, "slides/cohorts.html", listed=found, states=_shown(row["states"] for row in found))


def _shown(counted: Any) -> list[str]:
    there = {state for states in counted for state in states}
    return [state.value for state in _STATES if state in there]


@router.get("/cohorts/{cohort}/slides")
def list_slides(
    request: Request,
    cohort: CohortPath,
    database: GivenDatabase,
    *,
    state: ShortWord = "",
    q: ShortWord = "",
    after: After = 0,
) -> Response:
    """A cohort's slides with their overviews and rectangles, filtered as the address says."""
    words = q.strip()
    with database.transaction() as connection:
        own = find_cohort(connection, cohort)
        counts = placings.count_states(connection, own.id)
        found = placings.list_placed_slides(
            connection, own.id, state=state, words=words, after=after, limit=_SLIDES_A_PAGE + 1
        )
    page = found[:_SLIDES_A_PAGE]
    asked = {"state": state, "q": words}
    more = {**{name: value for name, value in asked.items() if value}, "after": page[-1]["id"] if page else 0}
    return render_for(
        request,
        "slides/list.html",
        cohort=own.name,
        slides=[_card(row) for row in page],
        counts={each: counts[each] for each in _shown([counts])},
        asked=asked,
        is_filtered=bool(state or words or after),
        following=f"{request.url.path}?{urlencode(more)}" if len(found) > _SLIDES_A_PAGE else "",
    )


@router.get("/slides/{slide_id}")
def show_slide(slide_id: SlidePath, request: Request) -> Response:
    """The page on which rectangles are placed on a slide."""
    return render_shell(request, "slides/place.html", assets=viewer_assets(), slide=slide_id)


def _card(row: Row) -> Row:
    """A slide with the rectangles that its picture shows: those placed, or those guessed where nobody has."""
    is_guess = row["state"] == PlacingState.GUESSED
    guesses = [Rectangle(**guess) for guess in row["guesses"]]
    shown = placing_of(guesses) if is_guess else placed_from(row["rectangles"] or [])
    return {**row, "is_guess": is_guess, "shown": shown}
