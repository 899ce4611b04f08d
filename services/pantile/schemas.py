"""What crosses the API: the shapes of requests and answers, shared by the web service and the client."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pantile.domain.class_maps import ClassGroup
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import AttemptOutcome, JobState
from pantile.domain.rois import MAX_MPP, MIN_MPP, TissueType
from pantile.domain.segmenters import Mode, Stitching

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Ask(BaseModel):
    """A request: what it names is known, or it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Shape(BaseModel):
    """An answer: an older client passes over what a newer service adds."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; `detail` is the sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class RoiIn(_Ask):
    """One ROI of a submission. Give `sha256` and `bytes` of an image that you will upload, neither for an address."""

    path: str = Field(min_length=1, max_length=2048, examples=["s3://study/TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg"])
    cohort: str | None = Field(None, max_length=100, description="Absent: read from the name.")
    case: str | None = Field(None, max_length=200)
    slide: str | None = Field(None, max_length=200)
    tissue_type: TissueType | None = None
    mpp: float | None = Field(None, ge=MIN_MPP, le=MAX_MPP, description="Microns per pixel.")
    roi_number: int | None = Field(None, ge=1, le=1_000_000)
    sha256: Sha256 | None = None
    bytes: int | None = Field(None, ge=0)


class SettingsIn(_Ask):
    """How to segment. Other settings make other class maps, which stand beside those that are there."""

    mode: Mode = Field(Mode.FAST, description="`exact` repeats the study's own arithmetic, and takes longer.")
    stitching: Stitching = Field(Stitching.CENTRE, description="How overlapping patches become one class map.")


class SubmissionIn(_Ask):
    """ROIs to be segmented by segmenters; all of them belong to one cohort or name theirs."""

    cohort: str | None = Field(None, max_length=100, description="The cohort of ROIs that name none.")
    segmenters: list[str] = Field(default=[], description="Names, or name@version; none: all registered.")
    settings: SettingsIn = SettingsIn()
    rois: list[RoiIn] = Field(min_length=1, max_length=100_000)


class SubmittedCohort(_Shape):
    """What a submission did to one cohort."""

    cohort_id: int
    cohort: str
    segmenters: list[str]
    segmenters_added: int
    rois_added: int
    rois_present: int
    rois_replaced: int
    jobs_added: int
    uploads_awaited: int
    added_nothing: bool


class SubmissionOut(_Shape):
    """What a submission did, cohort by cohort."""

    cohorts: list[SubmittedCohort]


class Upload(_Shape):
    """An image that is awaited, and where to PUT it. `url` is None when its bytes have arrived already."""

    roi_id: int
    roi: str
    source: str
    sha256: str
    bytes: int | None
    url: str | None
    error: str | None = Field(None, description="Why an earlier upload was not taken.")


class UploadPage(_Shape):
    """Awaited uploads; `next` continues the list."""

    uploads: list[Upload]
    next: int | None = None


class UploadsDone(_Ask):
    """The ROIs whose uploads have arrived."""

    roi_ids: list[int] = Field(min_length=1, max_length=10_000)


class UploadsTaken(_Shape):
    """How many of the named uploads were awaited."""

    taken: int


class SegmenterCounts(_Shape):
    """One segmenter's jobs in a cohort, by state."""

    segmenter: str
    version: str
    jobs: dict[JobState, int]


class RefusalOut(_Shape):
    """An ROI that cannot be had or used, and why."""

    roi: str
    source: str
    error: str


class CohortOut(_Shape):
    """Where a cohort stands. `jobs_expected` counts ROIs x segmenters, jobs yet to be made included."""

    id: int
    name: str
    state: CohortState
    created_at: datetime
    closed_at: datetime | None
    rois: dict[Literal["awaiting", "arriving", "stored", "refused"], int]
    jobs: dict[JobState, int]
    jobs_expected: int
    segmenters: list[SegmenterCounts]
    rate_per_min: float = Field(description="Jobs that succeeded in the last minute.")
    time_left_s: float | None = Field(description="Seconds to go at that rate; None while it cannot be told.")
    settled: bool = Field(description="Nothing is under way or awaited.")
    refusals: list[RefusalOut]


class CohortListed(_Shape):
    """A cohort without its counts."""

    id: int
    name: str
    state: CohortState
    created_at: datetime
    closed_at: datetime | None


class CohortPage(_Shape):
    """Cohorts by ascending id; `next` continues the list."""

    cohorts: list[CohortListed]
    next: int | None = None


class Cancelled(_Shape):
    """How many jobs a cancellation ended; jobs that another live cohort holds go on."""

    jobs_cancelled: int


class JobListed(_Shape):
    """One job: an ROI and a segmenter, with its state."""

    id: int
    state: JobState
    roi: str
    cohort_id: int
    segmenter: str
    segmenter_version: str
    attempt: int
    charged_attempts: int
    max_attempts: int
    error_kind: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobPage(_Shape):
    """Jobs by ascending id; `next` continues the list."""

    jobs: list[JobListed]
    next: int | None = None


class AttemptOut(_Shape):
    """One attempt at a job."""

    attempt: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None
    timings: dict[str, float] | None = Field(description="Seconds by stage.")


class AreaOut(_Shape):
    """How much of the ROI one class covers."""

    name: str
    group: ClassGroup
    area_mm2: float
    fraction: float


class ClassMapOut(_Shape):
    """A class map; `url` is valid for an hour."""

    url: str
    sha256: str
    width_px: int
    height_px: int
    map_mpp: float
    areas: list[AreaOut]
    tumor_stroma_ratio: float | None = Field(description="Stroma's share of tumor plus tumor stroma.")


class JobOut(JobListed):
    """One job with its attempts and what came of it."""

    cohorts: list[str]
    slide: str
    case: str
    tissue_type: TissueType
    roi_mpp: float
    image_sha256: str
    worker: str | None
    suspect: bool
    attempts: list[AttemptOut]
    class_map: ClassMapOut | None
    overlay_url: str | None
    links: dict[str, str]


class ResultOut(_Shape):
    """One class map of a cohort. `overlay` says whether its picture is there, under way, failed or not asked for."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    roi_mpp: float
    job_id: int
    segmenter: str
    segmenter_version: str
    mode: Mode = Mode.FAST
    stitching: Stitching = Stitching.CENTRE
    class_map: ClassMapOut
    overlay: Literal["none", "waiting", "ready", "failed"]
    overlay_url: str | None


class ResultPage(_Shape):
    """A cohort's class maps by ROI and segmenter; `next` continues the list."""

    results: list[ResultOut]
    next: str | None = None


class OverlaysAsked(_Shape):
    """How many overlays were asked for that were neither there nor under way."""

    asked: int


class ClassOut(_Shape):
    """One class of a segmenter."""

    index: int
    name: str
    group: ClassGroup
    simplified_rgb: tuple[int, int, int]
    detailed_rgb: tuple[int, int, int]


class SegmenterOut(_Shape):
    """A segmenter: registered, or known by its shipped card and waiting for its checkpoint."""

    name: str
    version: str
    title: str
    registered: bool
    digest: str | None
    architecture: str
    encoder: str
    output_channels: int
    model_mpp: float
    patch_px: int
    licence: str
    training_cohorts: list[str]
    checkpoint_sha256: str | None
    checkpoint_bytes: int | None
    expected_at: str | None = Field(description="Where the checkpoint would come from, while there is none.")
    notes: str
    classes: list[ClassOut]


class SegmenterList(_Shape):
    """All segmenters."""

    segmenters: list[SegmenterOut]


class CheckpointIn(_Ask):
    """A checkpoint that is about to be uploaded."""

    sha256: Sha256
    bytes: int = Field(gt=0)


class CheckpointUpload(_Shape):
    """Where to PUT the checkpoint; None when it is here already."""

    url: str | None


class SegmenterIn(_Ask):
    """A card in TOML, and the digest of its checkpoint (uploaded before)."""

    card: str = Field(max_length=200_000)
    checkpoint_sha256: Sha256


class SegmenterAdded(_Shape):
    """The registered segmenter, and whether it is new."""

    segmenter: SegmenterOut
    added: bool


class Health(_Shape):
    """Whether the web service and what it needs answer."""

    status: Literal["ok", "down"]
    version: str
    database: bool
    broker: bool
    objects: bool
