"""Who may do what over HTTP: one table of every route, and what is not in it does not exist.

The gate (`pantile.web.gate`) looks requests up here before anything of them is read, so a route that was forgotten is
closed; a test walks the application's routes and names it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.routing import compile_path

from pantile.domain.access import Scope


class Door(StrEnum):
    """A way in that asks for no scope."""

    OPEN = "anybody"
    SIGNED_IN = "whoever has a session or a token"
    FORM = "whoever has a session; the handler checks the token in the form"


@dataclass(frozen=True, slots=True)
class FormOf:
    """A form of our own pages: whoever has a session and this scope; the handler checks the token in the form."""

    scope: Scope


Permission = Scope | Door | FormOf

PERMISSIONS: Mapping[str, Permission] = {
    # Load balancers ask without a token, and learn nothing but whether it is well.
    "GET /healthz": Door.OPEN,
    "GET /readyz": Door.OPEN,
    # The same in every Pantile: a description without data, and the looks of the pages.
    "GET /openapi.json": Door.OPEN,
    "GET /docs": Door.OPEN,
    "GET /docs/oauth2-redirect": Door.OPEN,
    "GET /redoc": Door.OPEN,
    "GET /static/{path:path}": Door.OPEN,
    # The way in; its own secrets are checked by the handlers.
    "GET /auth/login": Door.OPEN,
    "POST /auth/login": Door.OPEN,
    "GET /auth/oidc": Door.OPEN,
    "GET /auth/callback": Door.OPEN,
    "POST /auth/logout": Door.FORM,
    "POST /auth/sessions/{session_id}/end": Door.FORM,
    "GET /": Door.SIGNED_IN,
    "GET /account": Door.SIGNED_IN,
    # Whoever is in a study; the handlers ask what they are there.
    "GET /studies": Door.SIGNED_IN,
    "GET /studies/new": Door.SIGNED_IN,
    "POST /studies/new": Door.FORM,
    "GET /studies/{study}": Door.SIGNED_IN,
    "GET /studies/{study}/edit": Door.SIGNED_IN,
    "POST /studies/{study}/edit": Door.FORM,
    "POST /studies/{study}/members": Door.FORM,
    "POST /studies/{study}/assign": Door.FORM,
    "POST /studies/{study}/hand-on": Door.FORM,
    "POST /studies/{study}/refresh": Door.FORM,
    "POST /studies/{study}/step": Door.FORM,
    "GET /studies/{study}/import": Door.SIGNED_IN,
    "POST /studies/{study}/import": Door.FORM,
    "GET /studies/{study}/progress": Door.SIGNED_IN,
    "GET /studies/{study}/results": Door.SIGNED_IN,
    "GET /studies/{study}/report": Door.SIGNED_IN,
    "POST /studies/{study}/report": Door.FORM,
    "GET /studies/{study}/agreement": Door.SIGNED_IN,
    "GET /studies/{study}/adjudication": Door.SIGNED_IN,
    "GET /studies/{study}/audit": Door.SIGNED_IN,
    "POST /studies/{study}/verify": Door.FORM,
    "GET /studies/{study}/export": Door.SIGNED_IN,
    "GET /studies/{study}/resume": Door.SIGNED_IN,
    "GET /studies/{study}/queue": Door.SIGNED_IN,
    # For whoever runs cohorts.
    "GET /cohorts": Scope.READ,
    "GET /cohorts/{cohort}": Scope.READ,
    "GET /gallery": Scope.READ,
    "GET /gallery/{job_id}": Scope.READ,
    "GET /gallery/images/{sha256}/{size}.jpg": Scope.READ,
    "GET /gallery/images/{sha256}/{level}/{column}_{row}.jpg": Scope.READ,
    "GET /gallery/class-maps/{job_id}/{palette}-{size}.png": Scope.READ,
    "GET /failures": Scope.READ,
    "GET /failures/{cause}": Scope.READ,
    "GET /submit": Scope.SUBMIT,
    "POST /submit": FormOf(Scope.SUBMIT),
    "PUT /submit/files": Scope.SUBMIT,
    "POST /failures/retry": FormOf(Scope.OPERATE),
    "GET /segmenters": Scope.READ,
    "GET /segmenters/{name}": Scope.READ,
    "GET /workers": Scope.READ,
    "POST /workers/{worker}/drain": FormOf(Scope.OPERATE),
    "POST /workers/{worker}/undrain": FormOf(Scope.OPERATE),
    "POST /cohorts/{cohort}/pause": FormOf(Scope.OPERATE),
    "POST /cohorts/{cohort}/resume": FormOf(Scope.OPERATE),
    "POST /cohorts/{cohort}/cancel": FormOf(Scope.OPERATE),
    # Shells without data; the script in them asks the API.
    "GET /score/{assignment}": Door.SIGNED_IN,
    "GET /studies/{study}/adjudication/{adjudication}": Door.SIGNED_IN,
    "GET /v1/me": Door.SIGNED_IN,
    "GET /v1/sessions": Door.SIGNED_IN,
    "DELETE /v1/sessions/{session_id}": Door.SIGNED_IN,
    "GET /v1/cohorts": Scope.READ,
    "GET /v1/cohorts/{cohort}": Scope.READ,
    "GET /v1/cohorts/{cohort}/events": Scope.READ,
    "GET /v1/cohorts/{cohort}/results": Scope.READ,
    "GET /v1/cohorts/{cohort}/rois": Scope.READ,
    "GET /v1/cohorts/{cohort}/review": Scope.READ,
    "GET /v1/cohorts/{cohort}/review.csv": Scope.READ,
    "GET /v1/cohorts/{cohort}/ground-truth": Scope.READ,
    "GET /v1/cohorts/{cohort}/evaluations": Scope.READ,
    "GET /v1/cohorts/{cohort}/evaluations.csv": Scope.READ,
    "GET /v1/cohorts/{cohort}/recommendation": Scope.READ,
    "GET /v1/studies/{study}/scored.csv": Door.SIGNED_IN,
    "GET /v1/studies/{study}/dice.csv": Door.SIGNED_IN,
    "GET /v1/studies/{study}/report": Door.SIGNED_IN,
    "POST /v1/studies/{study}/report": Door.SIGNED_IN,
    "GET /v1/studies/{study}/report.html": Door.SIGNED_IN,
    "GET /v1/studies/{study}/report.zip": Door.SIGNED_IN,
    # It gives addresses to write to.
    "POST /v1/cohorts/{cohort}/ground-truth-uploads": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/ground-truth": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/preannotations": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/corrections": Scope.SUBMIT,
    "GET /v1/cohorts/{cohort}/corrections": Scope.READ,
    "POST /v1/imported-rois": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/class-maps/uploads": Scope.OPERATE,
    "POST /v1/cohorts/{cohort}/class-maps": Scope.OPERATE,
    "POST /v1/imported-segmenters": Scope.OPERATE,
    "DELETE /v1/cohorts/{cohort}/ground-truth/{roi}": Scope.OPERATE,
    "GET /v1/jobs": Scope.READ,
    "GET /v1/jobs/{job_id:int}": Scope.READ,
    "GET /v1/segmenters": Scope.READ,
    "GET /v1/segmenters/{name}": Scope.READ,
    # Draws and compares what the reader could of what they may read; asking again asks for nothing.
    "POST /v1/cohorts/{cohort}/overlays": Scope.READ,
    "POST /v1/cohorts/{cohort}/comparisons": Scope.READ,
    "POST /v1/cohorts": Scope.SUBMIT,
    # It gives addresses to write to.
    "GET /v1/cohorts/{cohort}/uploads": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/uploads": Scope.SUBMIT,
    "GET /v1/cohorts/{cohort}/slides": Scope.READ,
    "GET /v1/slides/{slide_id}": Scope.READ,
    # Pages of slides, and the pictures on them.
    "GET /slides": Scope.READ,
    "GET /cohorts/{cohort}/slides": Scope.READ,
    "GET /slides/{slide_id}/overview.jpg": Scope.READ,
    "GET /slides/{slide_id}/thumbnail.jpg": Scope.READ,
    "GET /slides/{slide_id}/tissue.png": Scope.READ,
    "GET /slides/{slide_id}/tiles/{level}/{column}_{row}.jpg": Scope.READ,
    "POST /v1/cohorts/{cohort}/slides": Scope.SUBMIT,
    "POST /v1/slides/{slide_id}/rois": Scope.SUBMIT,
    # It destroys, and nothing brings it back.
    "POST /v1/withdrawals": Scope.ADMIN,
    # A shell without data; the script in it asks the API.
    "GET /slides/{slide_id}": Scope.READ,
    "GET /v1/slides/{slide_id}/placing": Scope.READ,
    "PUT /v1/slides/{slide_id}/placing": Scope.SUBMIT,
    "POST /v1/slides/{slide_id}/placing/cut": Scope.SUBMIT,
    # Makes what the reader could of what they may read; asking again asks for nothing.
    "POST /v1/slides/{slide_id}/pyramid": Scope.READ,
    "POST /v1/slides/{slide_id}/whole": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/cancel": Scope.OPERATE,
    "POST /v1/cohorts/{cohort}/pause": Scope.OPERATE,
    "POST /v1/cohorts/{cohort}/resume": Scope.OPERATE,
    "POST /v1/jobs/retry": Scope.OPERATE,
    "POST /v1/jobs/cancel": Scope.OPERATE,
    "POST /v1/jobs/{job_id:int}/retry": Scope.OPERATE,
    "POST /v1/jobs/{job_id:int}/cancel": Scope.OPERATE,
    "GET /v1/workers": Scope.READ,
    "GET /v1/workers/{worker}": Scope.READ,
    "POST /v1/workers/{worker}/drain": Scope.OPERATE,
    "POST /v1/workers/{worker}/undrain": Scope.OPERATE,
    "POST /v1/checkpoints": Scope.OPERATE,
    "POST /v1/segmenters": Scope.OPERATE,
    "GET /v1/trainings": Scope.READ,
    "GET /v1/trainings/{training_id}": Scope.READ,
    # It names files for train workers to read.
    "POST /v1/trainings": Scope.OPERATE,
    "POST /v1/trainings/{training_id}/cancel": Scope.OPERATE,
    # What a rater does; the handlers ask whose case it is, and who is what in its study.
    "GET /v1/me/preferences": Door.SIGNED_IN,
    "PUT /v1/me/preferences": Door.SIGNED_IN,
    "GET /v1/studies/{study}/queue": Door.SIGNED_IN,
    "GET /v1/studies/{study}/next": Door.SIGNED_IN,
    "GET /v1/studies/{study}/calibration": Door.SIGNED_IN,
    "GET /v1/assignments/{assignment}": Door.SIGNED_IN,
    "GET /v1/assignments/{assignment}/events": Door.SIGNED_IN,
    "POST /v1/assignments/{assignment}/open": Door.SIGNED_IN,
    "PUT /v1/assignments/{assignment}/scores/{output}": Door.SIGNED_IN,
    "POST /v1/assignments/{assignment}/complete": Door.SIGNED_IN,
    "POST /v1/assignments/{assignment}/skip": Door.SIGNED_IN,
    "POST /v1/assignments/{assignment}/reopen": Door.SIGNED_IN,
    "PUT /v1/assignments/{assignment}/flags": Door.SIGNED_IN,
    "PUT /v1/assignments/{assignment}/comment": Door.SIGNED_IN,
    "POST /v1/assignments/{assignment}/timing": Door.SIGNED_IN,
    # What a study shows: members of it may see it, which the handler checks.
    "GET /tiles/{key}/{level}/{column}_{row}.jpg": Door.SIGNED_IN,
    "GET /tiles/{key}/{level}/{column}_{row}.png": Door.SIGNED_IN,
    "GET /v1/tokens": Scope.ADMIN,
    "POST /v1/tokens": Scope.ADMIN,
    "DELETE /v1/tokens/{token_id}": Scope.ADMIN,
    "GET /v1/accounts": Scope.ADMIN,
    "POST /v1/accounts": Scope.ADMIN,
    "PATCH /v1/accounts/{account}": Scope.ADMIN,
    "PUT /v1/accounts/{account}/password": Scope.ADMIN,
    "GET /v1/audit": Scope.ADMIN,
    # In a study, its own roles decide: `pantile.web.study_access`.
    "POST /v1/studies": Scope.OPERATE,
    "GET /v1/studies": Door.SIGNED_IN,
    "GET /v1/studies/{study}": Door.SIGNED_IN,
    "PATCH /v1/studies/{study}": Door.SIGNED_IN,
    "POST /v1/studies/{study}/publish": Door.SIGNED_IN,
    "POST /v1/studies/{study}/lock": Door.SIGNED_IN,
    "POST /v1/studies/{study}/unlock": Door.SIGNED_IN,
    "POST /v1/studies/{study}/unblind": Door.SIGNED_IN,
    "GET /v1/studies/{study}/rois": Door.SIGNED_IN,
    "POST /v1/studies/{study}/refresh": Door.SIGNED_IN,
    "POST /v1/studies/{study}/calibration": Door.SIGNED_IN,
    "GET /v1/studies/{study}/members": Door.SIGNED_IN,
    "PUT /v1/studies/{study}/members/{account}": Door.SIGNED_IN,
    "DELETE /v1/studies/{study}/members/{account}": Door.SIGNED_IN,
    "POST /v1/studies/{study}/assign": Door.SIGNED_IN,
    "POST /v1/studies/{study}/reassign": Door.SIGNED_IN,
    "POST /v1/studies/{study}/release": Door.SIGNED_IN,
    "GET /v1/studies/{study}/progress": Door.SIGNED_IN,
    "GET /v1/studies/{study}/agreement": Door.SIGNED_IN,
    "GET /v1/studies/{study}/disagreements": Door.SIGNED_IN,
    "GET /v1/studies/{study}/answers": Door.SIGNED_IN,
    "GET /v1/studies/{study}/plan": Door.SIGNED_IN,
    "POST /v1/studies/{study}/verify": Door.SIGNED_IN,
    "GET /v1/studies/{study}/export": Door.SIGNED_IN,
    "GET /v1/studies/{study}/exports": Door.SIGNED_IN,
    "POST /v1/studies/{study}/import": Door.SIGNED_IN,
    "GET /v1/studies/{study}/adjudications": Door.SIGNED_IN,
    "POST /v1/studies/{study}/adjudications": Door.SIGNED_IN,
    "GET /v1/studies/{study}/adjudications/{adjudication}": Door.SIGNED_IN,
    "POST /v1/studies/{study}/adjudications/{adjudication}/claim": Door.SIGNED_IN,
    "POST /v1/studies/{study}/adjudications/{adjudication}/release": Door.SIGNED_IN,
    "POST /v1/studies/{study}/adjudications/{adjudication}/sign": Door.SIGNED_IN,
    "POST /v1/studies/{study}/adjudications/{adjudication}/reopen": Door.SIGNED_IN,
}
"""What each route asks for: `METHOD path`, as the OpenAPI document writes paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    method: str
    template: str
    path: re.Pattern[str]
    permission: Permission


def _routes() -> list[_Route]:
    return [
        _Route(method=method, template=template, path=compile_path(template)[0], permission=permission)
        for (method, _, template), permission in ((name.partition(" "), each) for name, each in PERMISSIONS.items())
    ]


_ROUTES = _routes()


def find_permission(method: str, path: str) -> Permission | None:
    """What a request asks for, None for a route that is not in the table. HEAD is taken for GET, as the router does."""
    wanted = "GET" if method == "HEAD" else method
    return next((each.permission for each in _ROUTES if each.method == wanted and each.path.match(path)), None)


def find_route(path: str) -> str:
    """The path of the table that a request's path is of, such as /v1/cohorts/{cohort}; "none" where there is none."""
    return next((each.template for each in _ROUTES if each.path.match(path)), "none")


def allowed_methods(path: str) -> list[str]:
    """The methods that the table has for a path."""
    return sorted({each.method for each in _ROUTES if each.path.match(path)})
