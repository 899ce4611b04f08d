"""The demo's study: its cohorts and segmenters, a rater with all of its cases, and an admin to look behind it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from pantile.client.studies import StudiesClient
from pantile.domain.access import Role
from pantile.domain.studies import StudyChange, StudyRole
from pantile.schemas.access import AccountIn
from pantile.schemas.assignments import AssignIn
from pantile.schemas.studies import StudyIn

STUDY = "demo"
RATER, ADMIN = "demo-rater", "demo-admin"
_PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoStudy:
    """What came of making it; the password of both accounts is known only where they were made just now."""

    password: str | None
    cases: int


def make_demo_study(client: StudiesClient, *, cohorts: Sequence[str], segmenters: Sequence[str]) -> DemoStudy:
    """Makes what is not there yet: the accounts, the study, published, and the rater's cases."""
    password = _make_accounts(client)
    if STUDY not in {each.name for each in client.studies()}:
        wanted = StudyIn(
            name=STUDY,
            title="Which segmenter fits which tissue?",
            description="Nine generated regions, each with the outputs of three segmenters. Score each from 0 to 10.",
            cohorts=list(cohorts),
            segmenters=list(segmenters),
            seed=1,
        )
        client.create_study(wanted)
        client.set_member(STUDY, RATER, StudyRole.RATER)
        client.assign(STUDY, AssignIn(rater=RATER))
        client.step_study(STUDY, StudyChange.PUBLISH, password="")
    cases = next(each.assigned for each in client.progress(STUDY).raters if each.account == RATER)
    return DemoStudy(password=password, cases=cases)


def _make_accounts(client: StudiesClient) -> str | None:
    if RATER in {each.name for each in client.accounts()}:
        return None
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    for name, role in ((RATER, Role.RATER), (ADMIN, Role.ADMIN)):
        client.create_account(AccountIn(name=name, role=role, password=password))
    return password
