"""Imports as typed calls, beside those of `StudiesClient`."""

from collections.abc import Sequence
from urllib.parse import quote

from pantile.client.studies import StudiesClient
from pantile.schemas.ground_truths import TruthFileIn, TruthFilesIn, TruthUpload, TruthUploads
from pantile.schemas.imports import (
    ImportedMapIn,
    ImportedMapsIn,
    ImportedRoi,
    ImportedRois,
    ImportedSegmenterIn,
    MapsImported,
    RoisImported,
)
from pantile.schemas.segmenters import SegmenterAdded


class ImportsClient(StudiesClient):
    """One Pantile that takes in work done elsewhere; raises as `ApiClient`."""

    def import_rois(self, cohort: str, rois: Sequence[ImportedRoi]) -> RoisImported:
        """Adds ROIs without segmenters to a cohort; their images are awaited then."""
        return self._ask("POST", "/v1/imported-rois", RoisImported, body=ImportedRois(cohort=cohort, rois=list(rois)))

    def import_segmenter(self, card: str) -> SegmenterAdded:
        """Registers a card without weights."""
        return self._ask("POST", "/v1/imported-segmenters", SegmenterAdded, body=ImportedSegmenterIn(card=card))

    def announce_class_maps(self, cohort: str, files: Sequence[TruthFileIn]) -> list[TruthUpload]:
        """Where to PUT class maps that are not kept already."""
        body = TruthFilesIn(files=list(files))
        return self._ask("POST", f"{_path(cohort)}/class-maps/uploads", TruthUploads, body=body).uploads

    def import_class_maps(self, cohort: str, segmenter: str, maps: Sequence[ImportedMapIn]) -> MapsImported:
        """Registers uploaded class maps of a segmenter without weights."""
        body = ImportedMapsIn(segmenter=segmenter, maps=list(maps))
        return self._ask("POST", f"{_path(cohort)}/class-maps", MapsImported, body=body)


def _path(cohort: str) -> str:
    return f"/v1/cohorts/{quote(cohort, safe='')}"
