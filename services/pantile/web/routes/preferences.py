"""Preferences: how somebody likes the viewer, kept with their account so that it is the same in every browser."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import JsonValue

from pantile.catalog import preferences
from pantile.domain.access import Visitor
from pantile.domain.errors import NotAllowed
from pantile.domain.preferences import check_preferences
from pantile.web.given import GivenDatabase, GivenVisitor

router = APIRouter(prefix="/me/preferences", tags=["readings"])

Preferences = Annotated[
    dict[str, JsonValue],
    Body(examples=[{"palette": "accessible", "opacity": 45, "shortcuts": {"enabled": True, "keys": {}}}]),
]


def _account(visitor: Visitor) -> int:
    if visitor.account_id is None:
        raise NotAllowed("a token without an account has no preferences")
    return visitor.account_id


@router.get("", summary="Show one's preferences")
def show_preferences(visitor: GivenVisitor, database: GivenDatabase) -> dict[str, JsonValue]:
    """What was kept last; nothing at first."""
    with database.transaction() as connection:
        return preferences.find_preferences(connection, _account(visitor))


@router.put("", summary="Keep one's preferences")
def keep_preferences(wanted: Preferences, visitor: GivenVisitor, database: GivenDatabase) -> dict[str, JsonValue]:
    """Keeps an object of at most 16 KiB in place of the one before."""
    account_id = _account(visitor)
    check_preferences(wanted)
    with database.transaction() as connection:
        preferences.keep_preferences(connection, account_id, wanted)
    return wanted
