"""The OpenAPI document: what the framework finds out by itself, with errors and manifests as they really are."""

from typing import Any

from pantile.domain.access import Scope
from pantile.schemas.submissions import SubmissionIn
from pantile.web.access import Door, Permission, find_permission
from pantile.web.errors import PROBLEM_MEDIA_TYPE

DESCRIPTION = """\
Submit regions of interest (ROIs), upload their images, and have every ROI segmented by every segmenter.

1. `POST /v1/cohorts` says which ROIs there are. The same submission again adds nothing.
2. `GET /v1/cohorts/{cohort}/uploads` gives an address for each image to upload: PUT the bytes there, then name the ROIs
   in `POST /v1/cohorts/{cohort}/uploads`. Images at s3:// and http(s):// addresses are fetched without your help.
3. `GET /v1/cohorts/{cohort}/events` tells how it goes; `GET /v1/cohorts/{cohort}/results` gives the class maps.

Every request but those for health carries an API token: `Authorization: Bearer ptl_…`. Each operation names the scope
that it asks for. Browsers with a session send its cookie instead and, with what changes something, the header
`X-CSRF-Token` with the token that `GET /v1/me` gives.

Lists are paged: pass the `next` of one page as `after` of the following one, until it is null.
Every error is a problem (RFC 9457) whose `detail` is a sentence for a person.
"""

TAGS = [
    {"name": "cohorts", "description": "ROIs submitted together, and how far their segmentation has come."},
    {"name": "uploads", "description": "The images that a cohort awaits, and where to put them."},
    {"name": "rois", "description": "A cohort's ROIs, with the quality of their images."},
    {"name": "slides", "description": "Whole slides, out of which ROIs are cut."},
    {"name": "results", "description": "A cohort's class maps, areas and overlays."},
    {"name": "review", "description": "A cohort's ROIs in the order in which they are worth looking at."},
    {"name": "tiles", "description": "What a study's viewer shows, piece by piece."},
    {"name": "evaluation", "description": "Ground truth, and how class maps compare with it."},
    {"name": "imports", "description": "Work done elsewhere, to be gone on with here."},
    {"name": "jobs", "description": "One ROI segmented by one segmenter: state, attempts, and what came of it."},
    {"name": "segmenters", "description": "The registered networks with their cards and checkpoints."},
    {"name": "trainings", "description": "Segmenters in the making: what they learn from, and how far they are."},
    {"name": "workers", "description": "The processes that do the work: where they run, and what they hold now."},
    {"name": "studies", "description": "What pathologists score: set up, assigned, followed, compared, exported."},
    {"name": "readings", "description": "What a rater sees and does: queue, cases, scores, flags, history."},
    {"name": "access", "description": "Who asks; tokens, accounts and sessions; and who changed what."},
    {"name": "health", "description": "For load balancers and operators."},
]

SECURITY: dict[str, Any] = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "ptl_…", "description": "An API token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-pantile-session",
        "description": "A person's session; over plain http the cookie is named pantile-session.",
    },
}
"""How requests say who asks."""

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

EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["progress", "settled"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""One of the events that a progress stream is made of."""


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """The document with problems under their media type, and with the shapes that no handler's signature names."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    submission = SubmissionIn.model_json_schema(ref_template=_REFERENCE)
    schemas.update(submission.pop("$defs", {}))
    schemas["SubmissionIn"] = submission
    document["components"]["securitySchemes"] = SECURITY
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _mend_problems(operation["responses"])
            _say_permission(operation, find_permission(method.upper(), path))
    return document


def _say_permission(operation: dict[str, Any], permission: Permission | None) -> None:
    if permission is Door.OPEN:
        operation["security"] = []
        return
    asked = [permission.value] if isinstance(permission, Scope) else []
    operation["security"] = [{"token": asked}, {"session": []}]
    if asked:
        operation["description"] += f"\n\nAsks for the scope `{asked[0]}`."


def _mend_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status.startswith(("4", "5")) and "Problem" in str(response.get("content")):
            response["content"] = {PROBLEM_MEDIA_TYPE: response["content"].pop("application/json")}
