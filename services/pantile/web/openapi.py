"""The OpenAPI document: what the framework finds out by itself, with errors and manifests as they really are."""

from typing import Any

from pantile.schemas import SubmissionIn
from pantile.web.errors import PROBLEM_MEDIA_TYPE

DESCRIPTION = """\
Submit regions of interest (ROIs), upload their images, and have every ROI segmented by every segmenter.

1. `POST /v1/cohorts` says which ROIs there are. The same submission again adds nothing.
2. `GET /v1/cohorts/{cohort}/uploads` gives an address for each image to upload: PUT the bytes there, then name the ROIs
   in `POST /v1/cohorts/{cohort}/uploads`. Images at s3:// and http(s):// addresses are fetched without your help.
3. `GET /v1/cohorts/{cohort}/events` tells how it goes; `GET /v1/cohorts/{cohort}/results` gives the class maps.

Lists are paged: pass the `next` of one page as `after` of the following one, until it is null.
Every error is a problem (RFC 9457) whose `detail` is a sentence for a person.
"""

TAGS = [
    {"name": "cohorts", "description": "ROIs submitted together, and how far their segmentation has come."},
    {"name": "uploads", "description": "The images that a cohort awaits, and where to put them."},
    {"name": "results", "description": "A cohort's class maps, areas and overlays."},
    {"name": "jobs", "description": "One ROI segmented by one segmenter: state, attempts, and what came of it."},
    {"name": "segmenters", "description": "The registered networks with their cards and checkpoints."},
    {"name": "health", "description": "For load balancers and operators."},
]

_REFERENCE = "#/components/schemas/{model}"

MANIFEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": _REFERENCE.format(model="SubmissionIn")}},
            "text/csv": {
                "schema": {"type": "string"},
                "example": "path,tissue_type,mpp\ns3://study/TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg,tumor,0.25\n",
            },
        },
    }
}
"""The body of a submission, which the handler reads itself because it has two forms."""


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """The document with problems under their media type, and with the shapes that no handler's signature names."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    submission = SubmissionIn.model_json_schema(ref_template=_REFERENCE)
    schemas.update(submission.pop("$defs", {}))
    schemas["SubmissionIn"] = submission
    for operations in document["paths"].values():
        for operation in operations.values():
            _mend_problems(operation["responses"])
    return document


def _mend_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith(("4", "5")) and "Problem" in str(response.get("content")):
            response["content"] = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}}
