"""Pages for people: rendered here, without scripts, and closed to everything that is not our own."""

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from pantile.web.cookies import session_secret

SIGN_IN_PAGE = "/auth/login"

_TEMPLATES = Environment(loader=PackageLoader("pantile.web"), autoescape=True, undefined=StrictUndefined)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def render(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page from `templates/`."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, headers=_HEADERS)


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks, outside the API."""
    is_api = request.url.path.startswith("/v1/")
    return not is_api and "text/html" in request.headers.get("accept", "")


def refusal_page(title: str, sentence: str, *, status: int) -> HTMLResponse:
    """A page that says what cannot be done, and leads back."""
    return render("refusal.html", status=status, title=title, sentence=sentence)


def to_sign_in(request: Request) -> Response:
    """Sends a browser to sign in, telling it that its session has ended where it had one, and back afterwards."""
    then = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    parts = [f"then={quote(then)}"] if request.method == "GET" and then != "/" else []
    parts += ["because=ended"] if session_secret(request) else []
    return to_page(f"{SIGN_IN_PAGE}?{'&'.join(parts)}" if parts else SIGN_IN_PAGE)


def to_page(page: str) -> Response:
    """Sends a browser to a page of ours; anything else leads to the first one."""
    return RedirectResponse(page if is_own_page(page) else "/", 303, headers=_HEADERS)


def is_own_page(page: str) -> bool:
    r"""Whether this is a path on this service: browsers read `//host` and `/\host` as other hosts."""
    return page.startswith("/") and not page.startswith(("//", "/\\")) and page.isprintable()
