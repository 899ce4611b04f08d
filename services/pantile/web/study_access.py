"""Who may do what in a study: the one place that turns a visitor and a study into a role, or refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path

from pantile.catalog.database import Connection
from pantile.catalog.studies import find_visit
from pantile.catalog.study_members import scores_blinded
from pantile.domain.access import Scope, Visitor
from pantile.domain.errors import NotAllowed, StudyNotFound
from pantile.domain.studies import Study, StudyRole
from pantile.web.given import GivenDatabase, GivenVisitor

StudyPath = Annotated[
    str, Path(max_length=100, pattern=r"^[^\x00]*$", description="The study's name.", examples=["pan-cancer"])
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyVisit:
    """A visitor in a study, and what they are there."""

    study: Study
    visitor: Visitor
    role: StudyRole

    @property
    def reads_all_scores(self) -> bool:
        """Whether they may read what others scored, and how raters agree."""
        return self.role is StudyRole.ADMIN or self.study.opens_scores

    @property
    def sees_segmenters(self) -> bool:
        """Whether they may know which segmenter an output is of."""
        return self.role is StudyRole.ADMIN or self.study.names_segmenters


def is_admin_everywhere(visitor: Visitor) -> bool:
    """Whether somebody is an admin of every study: admins and operators, and tokens that are worth as much."""
    needed = Scope.ADMIN if visitor.account_id is None else Scope.OPERATE
    return needed in visitor.scopes


def role_of(visitor: Visitor, member_role: StudyRole | None) -> StudyRole | None:
    """What a visitor is in a study in which they are such a member, or none (None)."""
    return StudyRole.ADMIN if is_admin_everywhere(visitor) else member_role


def visit_study(connection: Connection, visitor: Visitor, name: str) -> StudyVisit:
    """A visitor in the study of that name; raises `StudyNotFound` for whoever is not in it, which tells no names."""
    study, member_role = find_visit(connection, name, account_id=visitor.account_id)
    role = role_of(visitor, member_role)
    if role is None:
        raise StudyNotFound(name)
    return StudyVisit(study=study, visitor=visitor, role=role)


def find_visitor_in_study(study: StudyPath, visitor: GivenVisitor, database: GivenDatabase) -> StudyVisit:
    """The visitor in the study that a path names, as `visit_study` finds them."""
    with database.transaction() as connection:
        return visit_study(connection, visitor, study)


GivenVisit = Annotated[StudyVisit, Depends(find_visitor_in_study)]
"""Any member in the study that the path names."""


def require_role(visit: StudyVisit, *roles: StudyRole) -> None:
    """Raises `NotAllowed` for a visit in another role than these."""
    if visit.role not in roles:
        raise NotAllowed(f"it takes the role {' or '.join(roles)} in this study, and yours is {visit.role}")


def _only(*roles: StudyRole) -> Callable[[StudyVisit], StudyVisit]:
    def check(visit: GivenVisit) -> StudyVisit:
        require_role(visit, *roles)
        return visit

    return check


GivenAdminVisit = Annotated[StudyVisit, Depends(_only(StudyRole.ADMIN))]
"""An admin of the study."""

GivenAdjudicatorVisit = Annotated[StudyVisit, Depends(_only(StudyRole.ADMIN, StudyRole.ADJUDICATOR))]
"""Who may settle what two readings leave open."""


def _reader(visit: GivenVisit) -> StudyVisit:
    if not visit.reads_all_scores:
        raise NotAllowed("scores of others and their agreement are for admins until the study is unblinded")
    return visit


GivenReaderVisit = Annotated[StudyVisit, Depends(_reader)]
"""Who may read all scores: admins, and once the study is unblinded every member."""


def _results_reader(visit: GivenReaderVisit, database: GivenDatabase) -> StudyVisit:
    if not visit.sees_segmenters:
        raise NotAllowed("which segmenter an output is of is for admins until the study is unblinded")
    if visit.role is not StudyRole.ADMIN and visit.visitor.account_id is not None:
        with database.transaction() as connection:
            if scores_blinded(connection, visit.visitor.account_id):
                raise NotAllowed("whoever still scores a blinded study sees no figures by segmenter, of any study")
    return visit


GivenResultsVisit = Annotated[StudyVisit, Depends(_results_reader)]
"""Who may see a study's figures by segmenter: admins, and once it is unblinded every member who scores none blindly."""
