"""The table of permissions against the application's own routes."""

import re
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from pantile.domain.access import Scope
from pantile.settings import Settings
from pantile.web.access import PERMISSIONS, Door, allowed_methods, find_permission
from pantile.web.app import create_app
from pantile.web.study_access import find_visitor_in_study

OPEN = {
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/oauth2-redirect",
    "GET /redoc",
    "GET /static/{path:path}",
    "GET /auth/login",
    "POST /auth/login",
    "GET /auth/oidc",
    "GET /auth/callback",
}
"""Written down a second time on purpose: opening a door takes two hands."""


def _routes() -> set[str]:
    """Every route of the application as the table names them; what is mounted takes any path below it."""
    app = create_app(Settings())
    names = set()
    for context in iter_route_contexts(app.routes):
        route: Any = context
        methods = getattr(route, "methods", None) or set()
        names |= {f"{method} {route.path}" for method in methods - {"HEAD"}} or {f"GET {route.path}/{{path:path}}"}
    return names


def test_every_route_has_its_permission_and_every_permission_its_route() -> None:
    assert _routes() == set(PERMISSIONS)


def test_only_these_doors_are_open() -> None:
    assert {name for name, permission in PERMISSIONS.items() if permission is Door.OPEN} == OPEN


def test_what_changes_something_through_the_api_asks_for_more_than_to_read() -> None:
    reading = {
        name
        for name, permission in PERMISSIONS.items()
        if "/v1/" in name and not name.startswith("GET ") and permission in (Scope.READ, Door.SIGNED_IN, Door.OPEN)
        if not name.partition("/v1/")[2].startswith(("studies/", "assignments/", "me/"))
    }

    assert reading == {
        "POST /v1/cohorts/{cohort}/overlays",
        "POST /v1/cohorts/{cohort}/comparisons",
        "POST /v1/slides/{slide_id}/pyramid",
        "DELETE /v1/sessions/{session_id}",
    }


def test_every_route_within_a_study_finds_out_what_the_visitor_is_there() -> None:
    forgotten = {
        route.path
        for route in _api_routes()
        if route.path.startswith("/v1/studies/{study}") and not _asks_for_a_visit(route.dependant)
    }

    assert forgotten == set()


def _api_routes() -> list[Any]:
    return [context for context in iter_route_contexts(create_app(Settings()).routes) if hasattr(context, "dependant")]


def _asks_for_a_visit(dependant: Any) -> bool:
    return dependant.call is find_visitor_in_study or any(map(_asks_for_a_visit, dependant.dependencies))


def test_an_address_to_write_to_asks_for_more_than_to_read() -> None:
    assert find_permission("GET", "/v1/cohorts/TCGA-BRCA/uploads") is Scope.SUBMIT
    assert find_permission("POST", "/v1/checkpoints") is Scope.OPERATE


@pytest.mark.parametrize("name", PERMISSIONS)
def test_no_entry_hides_another(name: str) -> None:
    method, _, path = name.partition(" ")

    assert find_permission(method, re.sub(r"{\w+:int}", "1", path)) is PERMISSIONS[name]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/cohorts/a/b/c"), ("GET", "/v1/Cohorts"), ("DELETE", "/v1/cohorts"), ("GET", "//v1/cohorts")],
)
def test_what_is_not_in_the_table_does_not_exist(method: str, path: str) -> None:
    assert find_permission(method, path) is None


def test_head_is_taken_for_get() -> None:
    assert find_permission("HEAD", "/v1/cohorts") is Scope.READ
    assert allowed_methods("/v1/cohorts") == ["GET", "POST"]
