"""Remedies: for each cause by which jobs and other work fail or come back, a sentence or two on what to do about it."""

from collections.abc import Mapping

from pantile.domain.jobs import Cause

_MEND = "then submit it under the same name; it takes the refused one's place."
_BY_ITSELF = "It is tried again by itself, and charged to no job."

REMEDIES: Mapping[str, str] = {
    "ImageRefused": f"Mend the image as the sentence says, {_MEND}",
    "ImageUnreadable": f"The file is damaged, or is no image: export it from the slide again, {_MEND}",
    "ImageTooLarge": (
        f"Cut a smaller ROI, or raise PANTILE_MAX_MEGAPIXELS as far as the workers' memory allows, {_MEND}"
    ),
    "SlideUnreadable": (
        "The slide's file is damaged or of a format that OpenSlide does not know: fetch it again, and add it again."
    ),
    "UploadCorrupt": "What was uploaded is not what was announced: upload it again, by submitting the same once more.",
    "CaseWithdrawn": "The case was withdrawn for good: there is nothing to do.",
    "ImageUnreachable": (
        "See whether the address is right and open to imaging workers (PANTILE_FETCH_ALLOW names networks, hosts "
        "and buckets), then submit the ROI again."
    ),
    "SegmenterBroken": (
        "Look at the segmenter's card and checkpoint (`pantile segmenters show`), mend them and register a new "
        "version; or, where the workers were at fault, try its jobs again: `pantile jobs retry --cause "
        "SegmenterBroken`."
    ),
    "GroundTruthUnusable": "Remove this ground truth and add a sound file of it (`pantile ground-truth`).",
    "WholeSlideRefused": (
        "Choose settings that whole slides can have, as the sentence says, and submit the slide with them again."
    ),
    "ReportImpossible": "Mend what the sentence names, and ask for the report again.",
    "TrainingFailed": (
        "Mend what the sentence names in the training's file or its tissue, and ask for the training again."
    ),
    "AttemptsUsedUp": (
        "The worker died each time that this ran alone: look at its log and its memory limit. Give workers more "
        "memory, or cut a smaller ROI; then `pantile jobs retry`."
    ),
    Cause.LEASE_ENDED: (
        "The worker was killed, ran out of memory, or lost its network or the database. It is tried again by "
        "itself, alone; should workers go on dying, look at their logs and memory limits."
    ),
    Cause.DEADLINE_PASSED: (
        "It took longer than PANTILE_JOB_DEADLINE_S, and its worker ended itself; the worker's log has the stacks"
        " of all threads. It is tried again by itself, alone; raise the deadline where the work is honestly that "
        "long."
    ),
    Cause.MEMORY_SHORT: (
        "It is tried again by itself, alone. Should that not do: fewer PANTILE_WORKER_THREADS, a smaller "
        "PANTILE_BATCH_PATCHES, or more memory for the workers."
    ),
    "ObjectMissing": (
        "The bucket has lost the object that the sentence names: put it back from a copy under the same key, then"
        " `pantile jobs retry`."
    ),
    "ObjectCorrupt": (
        "The object that the sentence names was changed or damaged: put it back from a copy under the same key, "
        "then `pantile jobs retry`."
    ),
    "PyramidBroken": (
        "The pyramid that the sentence names was changed or damaged: put it back from a copy under the same key."
    ),
    "ObjectStoreDown": f"{_BY_ITSELF} `pantile doctor` says whether the object store is well.",
    "ObjectRefused": f"{_BY_ITSELF} The object store refuses the workers: see to their key's rights on the bucket.",
    "DatabaseDown": f"{_BY_ITSELF} `pantile doctor` says whether PostgreSQL is well.",
    "BrokerDown": f"{_BY_ITSELF} `pantile doctor` says whether Redis is well.",
    "AddressDown": f"{_BY_ITSELF} See whether the image's address answers, and the workers reach it.",
    "LeaseLost": (
        f"{_BY_ITSELF} The worker lost touch with the database for longer than a lease lasts, or the job was cancelled."
    ),
    "OSError": (
        "The worker's disk or files were at fault: see whether its scratch folder has room. It is tried again by "
        "itself."
    ),
}
"""By the name of the cause, as `error_kind` has it."""

UNKNOWN = (
    "An error that Pantile does not know. The worker's log has its trace, under the time of the attempt; if a retry "
    "ends in the same way, it is a fault of Pantile's: report it with that trace."
)


def find_remedy(cause: str) -> str:
    """What to do about a cause."""
    return REMEDIES.get(cause, UNKNOWN)
