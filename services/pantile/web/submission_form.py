"""The form by which ROIs are submitted on a page: a manifest as text, checked row by row, and files uploaded before."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pantile.catalog.rois import SubmittedRoi
from pantile.domain.cohorts import read_rows, refuse_rows
from pantile.domain.errors import ManifestRefused
from pantile.domain.segmenters import Mode
from pantile.domain.settings_asked import SettingsAsked
from pantile.schemas.uploads import UploadedFile
from pantile.web.forms import Form
from pantile.web.manifests import Manifest, parse_csv

_UPLOADED = TypeAdapter(dict[str, UploadedFile])


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedManifest:
    """A manifest that was found in order: what it would submit, and the files that are to be uploaded first."""

    manifest: Manifest
    files: tuple[str, ...]

    def summary(self) -> list[dict[str, Any]]:
        """By cohort: how many ROIs, of how many cases, tumor and normal."""
        return [
            {
                "cohort": cohort,
                "rois": len(rois),
                "cases": len({roi.row.case for roi in rois}),
                "tumor": sum(roi.row.key.tissue_type == "tumor" for roi in rois),
            }
            for cohort, rois in self.manifest.cohorts()
        ]


def check_manifest(form: Form) -> CheckedManifest:
    """The manifest of a form; files need not be uploaded yet.

    Raises:
        ManifestRefused: it is no CSV with a column `path`, or rows are wrong; the lines are named.
        FormRefused: the mpp is no number.
    """
    uploaded = _read_uploaded(form.raw("uploaded"))
    header, table = parse_csv(form.raw("manifest").encode())
    if not table and not header:
        raise ManifestRefused("it is empty")
    rows = read_rows(table, columns=header, cohort=form.get("cohort") or None, mpp=form.decimal("mpp"))
    digests = [None if row.is_remote else uploaded.get(row.path) for row in rows]
    rois = tuple(
        SubmittedRoi(row=row, sha256=digest.sha256, bytes=digest.bytes) if digest else SubmittedRoi(row=row)
        for row, digest in zip(rows, digests, strict=True)
    )
    settings = SettingsAsked(mode=next((each for each in Mode if each == form.get("mode")), Mode.FAST))
    return CheckedManifest(
        manifest=Manifest(rois=rois, segmenters=tuple(form.all("segmenters")), settings=settings),
        files=tuple(
            row.path for row, digest in zip(rows, digests, strict=True) if not row.is_remote and digest is None
        ),
    )


def require_files(checked: CheckedManifest) -> None:
    """Raises `ManifestRefused`, naming them, for files that were not uploaded."""
    refuse_rows((path, "the file was not uploaded; choose its folder on this page") for path in checked.files)


def _read_uploaded(text: str) -> Mapping[str, UploadedFile]:
    """What the page's script tells of the files that it has uploaded: digest and size by path."""
    try:
        return _UPLOADED.validate_python(json.loads(text or "{}"))
    except (json.JSONDecodeError, ValidationError) as error:
        raise ManifestRefused("what it says of uploaded files cannot be read; choose the folder again") from error
