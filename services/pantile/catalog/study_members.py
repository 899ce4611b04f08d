"""Members of studies: who is in one, and as what."""

from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection
from pantile.domain.errors import AccountNotFound, MemberNotFound
from pantile.domain.studies import Study, StudyRole

IS_BLINDED = """EXISTS (
    SELECT FROM study_members m JOIN studies st ON st.id = m.study_id
    WHERE m.account_id = a.id AND m.role IN ('rater', 'adjudicator') AND st.is_blinded AND st.state <> 'unblinded'
)"""
"""Of an account `a`: whether it scores or adjudicates a study whose segmenters' names it must not read."""


def scores_blinded(connection: Connection, account_id: int) -> bool:
    """Whether an account scores or adjudicates a study whose segmenters' names it must not read."""
    row = connection.execute(
        f"SELECT {IS_BLINDED} AS is_blinded FROM accounts a WHERE a.id = %s",  # noqa: S608 — a constant
        [account_id],
    ).fetchone()
    return bool(row and row["is_blinded"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a study."""

    account_id: int
    account: str
    role: StudyRole
    is_active: bool


def list_members(connection: Connection, study_id: int) -> list[Member]:
    """A study's members by name."""
    rows = connection.execute(
        """
        SELECT m.account_id, a.name AS account, m.role, a.is_active FROM study_members m
        JOIN accounts a ON a.id = m.account_id WHERE m.study_id = %s ORDER BY a.name
        """,
        [study_id],
    )
    return [Member(**{**row, "role": StudyRole(row["role"])}) for row in rows]


def find_member(connection: Connection, study_id: int, account: str) -> Member:
    """The member of that name; raises `MemberNotFound`."""
    found = next((each for each in list_members(connection, study_id) if each.account == account), None)
    if found is None:
        raise MemberNotFound(account)
    return found


def set_member(connection: Connection, study: Study, account: str, role: StudyRole, *, actor: str) -> Member:
    """Takes an account into a study, or gives it another role there; audited. Raises `AccountNotFound`."""
    row = connection.execute(
        """
        INSERT INTO study_members (study_id, account_id, role) SELECT %s, id, %s FROM accounts WHERE name = %s
        ON CONFLICT (study_id, account_id) DO UPDATE SET role = excluded.role RETURNING account_id
        """,
        [study.id, role, account],
    ).fetchone()
    if row is None:
        raise AccountNotFound(account)
    details = {"account": account, "role": role}
    record_action(connection, actor=actor, action="set member", subject=f"study {study.name}", details=details)
    return find_member(connection, study.id, account)


def remove_member(connection: Connection, study: Study, account: str, *, actor: str) -> None:
    """Takes an account out of a study; its cases and scores stay as they are. Audited.

    Raises:
        MemberNotFound: it is not in the study.
    """
    member = find_member(connection, study.id, account)
    connection.execute(
        "DELETE FROM study_members WHERE study_id = %s AND account_id = %s", [study.id, member.account_id]
    )
    details = {"account": account}
    record_action(connection, actor=actor, action="remove member", subject=f"study {study.name}", details=details)
