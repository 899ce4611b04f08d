"""The pages of one study, and which of them a visitor is led to."""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse

from pantile.domain.studies import StudyRole
from pantile.web.pages import render_for, render_scripted
from pantile.web.study_access import StudyVisit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A page of a study."""

    label: str
    address: str


def tabs_of(visit: StudyVisit) -> list[Tab]:
    """The pages of a study that this visitor may see; the routes refuse the others by themselves."""
    is_admin = visit.role is StudyRole.ADMIN
    pages = [
        ("Study", "", True),
        ("Cases", "/queue", visit.role.may_score),
        ("Progress", "/progress", is_admin),
        ("Results", "/results", visit.reads_all_scores and visit.sees_segmenters),
        ("Report", "/report", visit.reads_all_scores and visit.sees_segmenters),
        ("Agreement", "/agreement", visit.reads_all_scores),
        ("Adjudication", "/adjudication", visit.role.may_adjudicate),
        ("Audit", "/audit", is_admin),
        ("Export", "/export", visit.reads_all_scores),
    ]
    own = f"/studies/{visit.study.name}"
    return [Tab(label=label, address=own + path) for label, path, is_open in pages if is_open]


def render_study(
    request: Request, visit: StudyVisit, template: str, *, status: int = 200, **values: object
) -> HTMLResponse:
    """A page of a study, with the way to its others."""
    return render_for(request, template, status=status, visit=visit, tabs=tabs_of(visit), **values)


def render_scripted_study(
    request: Request, visit: StudyVisit, template: str, *, status: int = 200, **values: object
) -> HTMLResponse:
    """The same, of a page that keeps itself up to date."""
    return render_scripted(request, template, status=status, visit=visit, tabs=tabs_of(visit), **values)
