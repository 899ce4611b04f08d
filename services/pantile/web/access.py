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


Permission = Scope | Door

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
    "GET /v1/me": Door.SIGNED_IN,
    "GET /v1/sessions": Door.SIGNED_IN,
    "DELETE /v1/sessions/{session_id}": Door.SIGNED_IN,
    "GET /v1/cohorts": Scope.READ,
    "GET /v1/cohorts/{cohort}": Scope.READ,
    "GET /v1/cohorts/{cohort}/events": Scope.READ,
    "GET /v1/cohorts/{cohort}/results": Scope.READ,
    "GET /v1/cohorts/{cohort}/review": Scope.READ,
    "GET /v1/cohorts/{cohort}/review.csv": Scope.READ,
    "GET /v1/jobs": Scope.READ,
    "GET /v1/jobs/{job_id}": Scope.READ,
    "GET /v1/segmenters": Scope.READ,
    "GET /v1/segmenters/{name}": Scope.READ,
    # Draws and compares what the reader could of what they may read; asking again asks for nothing.
    "POST /v1/cohorts/{cohort}/overlays": Scope.READ,
    "POST /v1/cohorts/{cohort}/comparisons": Scope.READ,
    "POST /v1/cohorts": Scope.SUBMIT,
    # It gives addresses to write to.
    "GET /v1/cohorts/{cohort}/uploads": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/uploads": Scope.SUBMIT,
    "POST /v1/cohorts/{cohort}/cancel": Scope.OPERATE,
    "POST /v1/cohorts/{cohort}/resume": Scope.OPERATE,
    "POST /v1/jobs/{job_id}/retry": Scope.OPERATE,
    "POST /v1/checkpoints": Scope.OPERATE,
    "POST /v1/segmenters": Scope.OPERATE,
    "GET /v1/trainings": Scope.READ,
    "GET /v1/trainings/{training_id}": Scope.READ,
    # It names files for train workers to read.
    "POST /v1/trainings": Scope.OPERATE,
    "POST /v1/trainings/{training_id}/cancel": Scope.OPERATE,
    "GET /v1/tokens": Scope.ADMIN,
    "POST /v1/tokens": Scope.ADMIN,
    "DELETE /v1/tokens/{token_id}": Scope.ADMIN,
    "GET /v1/accounts": Scope.ADMIN,
    "POST /v1/accounts": Scope.ADMIN,
    "PATCH /v1/accounts/{account}": Scope.ADMIN,
    "PUT /v1/accounts/{account}/password": Scope.ADMIN,
    "GET /v1/audit": Scope.ADMIN,
}
"""What each route asks for: `METHOD path`, as the OpenAPI document writes paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    method: str
    path: re.Pattern[str]
    permission: Permission


def _routes() -> list[_Route]:
    return [
        _Route(method=name.partition(" ")[0], path=compile_path(name.partition(" ")[2])[0], permission=permission)
        for name, permission in PERMISSIONS.items()
    ]


_ROUTES = _routes()


def find_permission(method: str, path: str) -> Permission | None:
    """What a request asks for, None for a route that is not in the table. HEAD is taken for GET, as the router does."""
    wanted = "GET" if method == "HEAD" else method
    return next((each.permission for each in _ROUTES if each.method == wanted and each.path.match(path)), None)


def allowed_methods(path: str) -> list[str]:
    """The methods that the table has for a path."""
    return sorted({each.method for each in _ROUTES if each.path.match(path)})
