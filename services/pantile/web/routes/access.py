"""Who asks, their sessions, and the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from pantile.catalog import audit, sessions
from pantile.domain.access import Scope, Visitor
from pantile.schemas.access import MeOut, SessionList, SessionOut
from pantile.schemas.audit import ActionOut, AuditPage
from pantile.web.cookies import csrf_of, session_secret
from pantile.web.errors import problems
from pantile.web.given import After, GivenDatabase, GivenSettings, GivenVisitor, SessionPath, Word

router = APIRouter(tags=["access"])


@router.get("/me", summary="Tell who asks")
def show_me(request: Request, visitor: GivenVisitor) -> MeOut:
    """The account or token behind the request, its role and scopes."""
    is_session = visitor.session_id is not None
    return MeOut(
        actor=visitor.actor,
        account=visitor.account,
        role=visitor.role,
        scopes=sorted(visitor.scopes),
        csrf_token=csrf_of(session_secret(request)) if is_session else None,
    )


@router.get("/sessions", summary="List sessions")
def list_sessions(visitor: GivenVisitor, database: GivenDatabase, settings: GivenSettings) -> SessionList:
    """The sessions that have not ended: one's own, or everybody's for admins."""
    with database.transaction() as connection:
        found = sessions.list_sessions(connection, account_id=_reach(visitor), idle_s=settings.session_idle_s)
    return SessionList(
        sessions=[
            SessionOut(
                id=each.id,
                account=each.account,
                address=each.address,
                browser=each.browser,
                is_this=each.id == visitor.session_id,
                created_at=each.created_at,
                last_seen_at=each.last_seen_at,
                expires_at=each.expires_at,
            )
            for each in found
        ]
    )


@router.delete("/sessions/{session_id}", status_code=204, summary="End a session", responses=problems(404))
def end_session(session_id: SessionPath, visitor: GivenVisitor, database: GivenDatabase) -> None:
    """Ends one of one's own sessions, or anybody's for admins; its next request is refused."""
    with database.transaction() as connection:
        sessions.end_session(connection, session_id, account_id=_reach(visitor), actor=visitor.actor)


def _reach(visitor: Visitor) -> int | None:
    """Whose sessions a visitor may see and end: one account's, or all (None). No account has the id 0."""
    return None if Scope.ADMIN in visitor.scopes else visitor.account_id or 0


@router.get("/audit", summary="Read the audit log")
def list_actions(
    database: GivenDatabase,
    actor: Annotated[Word | None, Query(description="Only this one's, as the log names them.")] = None,
    after: After | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AuditPage:
    """Who changed what, and when: newest first."""
    with database.transaction() as connection:
        found = audit.list_actions(connection, actor=actor, before=after, limit=limit + 1)
    page = found[:limit]
    return AuditPage(actions=[ActionOut(**row) for row in page], next=page[-1]["id"] if len(found) > limit else None)
