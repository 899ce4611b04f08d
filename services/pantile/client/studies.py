"""Studies as typed calls, beside those of `ApiClient`."""

from pathlib import Path
from urllib.parse import quote

from pantile.client.api import ApiClient
from pantile.domain.readings import Purpose
from pantile.domain.studies import StudyChange, StudyRole
from pantile.domain.study_exports import ExportKind
from pantile.schemas.assignments import AssignIn, AssignOut, ReassignIn, ReassignOut, ReleaseIn, ReleaseOut
from pantile.schemas.studies import (
    ConfirmationIn,
    MemberIn,
    MemberList,
    MemberOut,
    RefreshOut,
    StudyIn,
    StudyList,
    StudyListed,
    StudyOut,
)
from pantile.schemas.study_exports import ImportOut
from pantile.schemas.study_figures import AgreementOut, ProgressOut, SampleSize, VerificationOut


class StudiesClient(ApiClient):
    """One Pantile and its studies; raises as `ApiClient`."""

    def studies(self) -> list[StudyListed]:
        """The studies that one is in, newest first."""
        return self._ask("GET", "/v1/studies", StudyList).studies

    def study(self, name: str) -> StudyOut:
        """One study."""
        return self._ask("GET", _path(name), StudyOut)

    def create_study(self, study: StudyIn) -> StudyOut:
        """Makes a study."""
        return self._ask("POST", "/v1/studies", StudyOut, body=study)

    def step_study(self, name: str, change: StudyChange, *, password: str) -> StudyOut:
        """Publishes, locks, unlocks or unblinds a study."""
        body = None if change is StudyChange.PUBLISH else ConfirmationIn(password=password)
        return self._ask("POST", f"{_path(name)}/{change}", StudyOut, body=body)

    def refresh_study(self, name: str) -> RefreshOut:
        """Adds ROIs and class maps that came since."""
        return self._ask("POST", f"{_path(name)}/refresh", RefreshOut)

    def members(self, name: str) -> list[MemberOut]:
        """A study's members."""
        return self._ask("GET", f"{_path(name)}/members", MemberList).members

    def set_member(self, name: str, account: str, role: StudyRole) -> MemberOut:
        """Takes an account into a study, or gives it another role there."""
        path = f"{_path(name)}/members/{quote(account, safe='')}"
        return self._ask("PUT", path, MemberOut, body=MemberIn(role=role))

    def remove_member(self, name: str, account: str) -> MemberList:
        """Takes an account out of a study."""
        return self._ask("DELETE", f"{_path(name)}/members/{quote(account, safe='')}", MemberList)

    def assign(self, name: str, wanted: AssignIn) -> AssignOut:
        """Assigns cases to a rater, or tells which."""
        return self._ask("POST", f"{_path(name)}/assign", AssignOut, body=wanted)

    def reassign(self, name: str, wanted: ReassignIn) -> ReassignOut:
        """Gives cases that are not begun to another rater."""
        return self._ask("POST", f"{_path(name)}/reassign", ReassignOut, body=wanted)

    def release(self, name: str, rater: str) -> ReleaseOut:
        """Takes cases back that are not begun."""
        return self._ask("POST", f"{_path(name)}/release", ReleaseOut, body=ReleaseIn(rater=rater))

    def progress(self, name: str) -> ProgressOut:
        """How far a study is."""
        return self._ask("GET", f"{_path(name)}/progress", ProgressOut)

    def agreement(self, name: str, *, first: str | None, second: str | None) -> AgreementOut:
        """How far two readings agree."""
        return self._ask("GET", f"{_path(name)}/agreement", AgreementOut, query={"first": first, "second": second})

    def sample_size(self, name: str, *, raters: int, expected_icc: float, width: float) -> SampleSize:
        """How many outputs to score more than once."""
        query: dict[str, int | str | None] = {"raters": raters, "expected_icc": str(expected_icc), "width": str(width)}
        return self._ask("GET", f"{_path(name)}/plan", SampleSize, query=query)

    def verify(self, name: str) -> VerificationOut:
        """Whether a study's history holds."""
        return self._ask("POST", f"{_path(name)}/verify", VerificationOut)

    def export(self, name: str, kind: ExportKind, *, rater: str | None, excel_safe: bool) -> bytes:
        """A table of a study's scores, as CSV."""
        query: dict[str, str] = {"kind": kind, "excel_safe": str(excel_safe).lower()}
        query |= {"rater": rater} if rater else {}
        return self._send("GET", f"{_path(name)}/export", params=query).content

    def import_scores(self, name: str, file: Path, *, rater: str, purpose: Purpose, dry_run: bool) -> ImportOut:
        """Imports the study's own CSV."""
        query = {"rater": rater, "purpose": purpose.value, "dry_run": str(dry_run).lower()}
        answer = self._send(
            "POST",
            f"{_path(name)}/import",
            params=query,
            content=file.read_bytes(),
            headers={"Content-Type": "text/csv"},
        )
        return ImportOut.model_validate_json(answer.content)


def _path(name: str) -> str:
    return f"/v1/studies/{quote(name, safe='')}"
