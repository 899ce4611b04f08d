"""Pages for people: rendered here, usable without scripts, and closed to everything that is not our own."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import Response

from pantile.web.cookies import csrf_of, session_secret
from pantile.web.gate import visitor_of
from pantile.web.navigation import ways_for

SIGN_IN_PAGE = "/auth/login"

_TEMPLATES = Environment(
    loader=PackageLoader("pantile.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_SCRIPTED = "; script-src 'self'; connect-src 'self'"
"""What pages with scripts may do besides: run our own, and ask this service."""

NOTICES: Mapping[str, str] = {
    "created": "The study is made. It is a draft until you publish it.",
    "changed": "The study is changed.",
    "published": "The study is published: raters can score.",
    "locked": "The study is locked: nothing can be scored in it any more.",
    "unlocked": "The study is open for scoring again.",
    "unblinded": "The study is unblinded: its members see the segmenters' names and all scores.",
    "refreshed": "The study has taken in what came since.",
    "member": "The members are changed.",
    "assigned": "The cases are assigned.",
    "imported": "The scores are taken in.",
    "released": "The cases that were not begun are released.",
    "reassigned": "The cases that were not begun are handed on.",
    "reported": "A report is asked for.",
    "claimed": "The case is yours for now.",
    "ended": "The session is ended.",
    "paused": "The cohort is paused: what runs ends, and nothing more of it is begun.",
    "resumed": "The cohort goes on; failures are counted anew from here.",
    "submitted": "It is submitted; jobs are made as images arrive and are found to be in order.",
    "retried": "They wait to be tried again.",
    "not-retried": "Nothing was tried again: no such job fails any more, or its image itself was refused.",
    "draining": "The worker ends what it holds and takes nothing new.",
    "undrained": "The worker takes work again.",
    "cancelled": "The cohort is cancelled. Submitting it again revives it.",
}
"""What a page says of what was just done; the address carries the key, so that no text of others can stand there."""


def render(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page from `templates/` for somebody who is not signed in, or whoever they are."""
    return _page(template, status, {"visitor": None, "csrf_token": "", "path": "", "notice": "", "ways": [], **values})


def render_for(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page for whoever asks: with their name, the way to sign out, and what was just done."""
    secret, visitor = session_secret(request), visitor_of(request)
    given = {
        "visitor": visitor,
        "ways": ways_for(visitor),
        "csrf_token": csrf_of(secret) if secret else "",
        "path": request.url.path,
        "notice": NOTICES.get(request.query_params.get("done", ""), ""),
    }
    return _page(template, status, {**given, **values})


def render_scripted(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page that runs scripts of ours: `live.js` renews its parts marked `data-live`, while somebody looks at it."""
    page = render_for(request, template, status=status, **values)
    page.headers["Content-Security-Policy"] += _SCRIPTED
    return page


SCRIPT_POLICY = "default-src 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""Our own files and nothing inline. OpenSeadragon sets styles through the object model, which this allows."""


def render_shell(request: Request, template: str, **values: object) -> HTMLResponse:
    """A page without data, which a script of ours fills by what it asks the API."""
    secret, visitor = session_secret(request), visitor_of(request)
    given = {"csrf_token": csrf_of(secret) if secret else "", "account": (visitor and visitor.account) or ""}
    page = _page(template, 200, {**given, **values})
    page.headers["Content-Security-Policy"] = SCRIPT_POLICY
    return page


def _page(template: str, status: int, values: Mapping[str, object]) -> HTMLResponse:
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, headers=_HEADERS)


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks, outside the API."""
    is_api = request.url.path.startswith("/v1/")
    return not is_api and "text/html" in request.headers.get("accept", "")


def refusal_page(request: Request, title: str, sentence: str, *, status: int) -> HTMLResponse:
    """A page that says what cannot be done, and leads on."""
    return render_for(request, "refusal.html", status=status, title=title, sentence=sentence)


def to_sign_in(request: Request) -> Response:
    """Sends a browser to sign in, telling it that its session has ended where it had one, and back afterwards."""
    then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    parts = [f"then={quote(then)}"] if request.method == "GET" and then != "/" else []
    parts += ["because=ended"] if session_secret(request) else []
    return to_page(f"{SIGN_IN_PAGE}?{'&'.join(parts)}" if parts else SIGN_IN_PAGE)


def to_page(page: str, *, done: str = "") -> Response:
    """Sends a browser to a page of ours, with what was `done`; anything else leads to the first page."""
    told = f"{'&' if '?' in page else '?'}{urlencode({'done': done})}" if done else ""
    return RedirectResponse(page + told if is_own_page(page) else "/", 303, headers=_HEADERS)


def is_own_page(page: str) -> bool:
    r"""Whether this is a path on this service: browsers read `//host` and `/\host` as other hosts."""
    return page.startswith("/") and not page.startswith(("//", "/\\")) and page.isprintable()


def show_moment(moment: datetime | None) -> str:
    """A time as pages show it, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def show_seconds(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 120 else str(timedelta(seconds=round(seconds)))


def show_duration(seconds: float | None) -> str:
    """A length of time in two units at most, for what lasts minutes or days."""
    if seconds is None:
        return "–"
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h"


def show_words(sentence: str) -> Markup:
    """A sentence in which what stands between grave accents is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 — escaped just before


def show_count(number: int) -> str:
    """How many, its thousands apart."""
    return f"{number:,}"


def show_number(number: float | None, digits: int = 2) -> str:
    """A figure, or a dash where there is none."""
    return "–" if number is None or number != number else f"{number:.{digits}f}"  # noqa: PLR0124 — NaN


_TEMPLATES.filters |= {
    "moment": show_moment,
    "seconds": show_seconds,
    "duration": show_duration,
    "count": show_count,
    "words": show_words,
    "figure": show_number,
    "quoted": quote,
}
_TEMPLATES.globals["parts"] = _TEMPLATES.get_template("parts.html").module
