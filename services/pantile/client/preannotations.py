"""Pre-annotations and their corrections as typed calls, beside those of `ApiClient`."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from pantile.client.api import ApiClient
from pantile.schemas.corrections import (
    CorrectionOut,
    CorrectionPage,
    CorrectionsIn,
    CorrectionsTaken,
    PreannotationIn,
    PreannotationOut,
)


class PreannotationsClient(ApiClient):
    """One Pantile that hands out class maps to be corrected, and takes them back; raises as `ApiClient`."""

    def preannotate(self, cohort: str, segmenter: str) -> PreannotationOut:
        """Has a cohort segmented by a segmenter, and hands out the class maps that are there to be corrected."""
        wanted = PreannotationIn(segmenter=segmenter)
        return self._ask("POST", f"{_path(cohort)}/preannotations", PreannotationOut, body=wanted)

    def take_corrections(self, cohort: str, rois: Sequence[str]) -> CorrectionsTaken:
        """Has the ground truth of ROIs compared with what was handed out of them."""
        given = CorrectionsIn(rois=list(rois))
        return self._ask("POST", f"{_path(cohort)}/corrections", CorrectionsTaken, body=given)

    def corrections(self, cohort: str) -> Iterator[CorrectionOut]:
        """All that was handed out of a cohort to be corrected, and what came back."""
        after: int | None = 0
        while after is not None:
            page = self._ask("GET", f"{_path(cohort)}/corrections", CorrectionPage, query={"after": after})
            yield from page.corrections
            after = page.next


def _path(cohort: str) -> str:
    return f"/v1/cohorts/{quote(cohort, safe='')}"
