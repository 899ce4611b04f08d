"""`pantile submit --whole-slide`: slides added, waited for until they are looked into, and submitted as they are."""

import time
from collections.abc import Sequence

from pantile.cli.screen import complain, count, make_console, remark, say
from pantile.cli.slides import AT_ONCE
from pantile.client.api import ApiClient
from pantile.domain.errors import ApiRefused
from pantile.domain.slides import SlideState
from pantile.schemas.settings import SettingsIn
from pantile.schemas.slides import SlideIn, SlideOut, SlidesIn

_POLL_S = 0.5
_STILL_S = 60.0
"""After this long without a slide that was looked into, the wait is explained."""


def submit_whole_slides(
    client: ApiClient,
    sources: Sequence[str],
    *,
    cohort: str,
    mpp: float | None,
    segmenters: Sequence[str],
    settings: SettingsIn,
) -> bool:
    """Submits slides to a cohort; says what came of it, and gives whether all could be taken."""
    for first in range(0, len(sources), AT_ONCE):
        lot = [SlideIn(source=source, mpp=mpp) for source in sources[first : first + AT_ONCE]]
        client.add_slides(cohort, SlidesIn(segmenters=list(segmenters), settings=settings, slides=lot))
    added = present = refused = 0
    for slide in _wait_until_known(client, cohort, set(sources)):
        try:
            answer = client.place_whole(slide.id)
        except ApiRefused as error:
            complain(f"{slide.name}: {error.detail}")
            refused += 1
            continue
        added, present = added + answer.added, present + answer.present
    there = f", {count(present, 'slide')} there already" if present else ""
    say(f"{cohort}: {count(added, 'whole slide')} to be segmented{there}.")
    if refused:
        remark(f"{count(refused, 'slide')} left out; see above.")
    return not refused


def _wait_until_known(client: ApiClient, cohort: str, sources: set[str]) -> list[SlideOut]:
    """The slides with these sources, once imaging workers have looked into each."""
    known, news_at = 0, time.monotonic()
    with make_console(stderr=True).status("Looking into slides") as status:
        while True:
            slides = [slide for slide in client.slides(cohort) if slide.source in sources]
            waiting = sum(slide.state is SlideState.WAITING for slide in slides)
            if not waiting:
                return slides
            if len(slides) - waiting > known:
                known, news_at = len(slides) - waiting, time.monotonic()
                status.update(f"Looking into slides, {known} of {len(slides)}")
            elif time.monotonic() - news_at > _STILL_S:
                news_at = float("inf")
                remark("No slide was looked into for a minute: does an imaging worker run? Ctrl-C ends the wait.")
            time.sleep(_POLL_S)
