"""A study's own history: what was done to it, and what was scored in it, newest first."""

from pantile.catalog.database import Connection, Row


def list_study_actions(connection: Connection, study: str, *, limit: int) -> list[Row]:
    """The lines of the audit log about a study."""
    return connection.execute(
        "SELECT id, at, actor, action, details FROM audit WHERE subject = %s ORDER BY id DESC LIMIT %s",
        [f"study {study}", limit],
    ).fetchall()


def list_study_events(
    connection: Connection, study_id: int, *, rater: str | None, before: int | None, limit: int
) -> list[Row]:
    """The events of a study's scoring, all raters' or one's, from the one before the event `before`."""
    return connection.execute(
        """
        SELECT e.id, e.at, e.actor, e.action, e.pane, e.reason, e.before, e.after, c.name AS rater, a.position
        FROM score_events e JOIN assignments a ON a.id = e.assignment_id JOIN accounts c ON c.id = a.account_id
        WHERE a.study_id = %(study_id)s AND (%(rater)s::text IS NULL OR c.name = %(rater)s)
          AND (%(before)s::bigint IS NULL OR e.id < %(before)s)
        ORDER BY e.id DESC LIMIT %(limit)s
        """,
        {"study_id": study_id, "rater": rater, "before": before, "limit": limit},
    ).fetchall()
