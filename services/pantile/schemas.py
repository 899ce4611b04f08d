"""What crosses the API: the shapes of requests and answers, shared by the web service and the client."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pantile.domain.access import Role, Scope
from pantile.domain.class_maps import ClassGroup
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import AttemptOutcome, JobState
from pantile.domain.review import Comparison
from pantile.domain.rois import MAX_MPP, MIN_MPP, TissueType
from pantile.domain.segmenters import CardFormat, Mode, Precision, Stitching

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
    precision: Precision | None = Field(
        None, description="Absent: mixed in fast mode, for each segmenter that is admitted to it; float32 otherwise."
    )
    confidence: bool = Field(False, description="Keep a confidence map beside each class map.")


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
    in_float32: dict[str, str] = Field(
        {}, description="Segmenters that run in float32 though mixed precision was asked for or is usual, and why."
    )
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


class SettingsOut(_Shape):
    """Engine settings as they are, each decided."""

    mode: Mode
    stitching: Stitching
    precision: Precision
    confidence: bool
    stride_px: int
    margin_px: int


class SegmenterCounts(_Shape):
    """One segmenter's jobs in a cohort, by state, and the engine settings under which the cohort asks for it."""

    segmenter: str
    version: str
    jobs: dict[JobState, int]
    settings: list[SettingsOut] = []


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
    pause_reason: str | None = Field(None, description="Why the cohort is paused, while it is.")
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
    pause_reason: str | None = Field(None, description="Why the cohort is paused, while it is.")


class CohortPage(_Shape):
    """Cohorts by ascending id; `next` continues the list."""

    cohorts: list[CohortListed]
    next: int | None = None


class Cancelled(_Shape):
    """How many jobs a cancellation ended; jobs that another live cohort holds go on."""

    jobs_cancelled: int


class Resumed(_Shape):
    """How many jobs of a resumed cohort wait."""

    jobs_waiting: int


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


class ConfidenceOut(_Shape):
    """A confidence map: a grey PNG as large as its class map, 255 for a certainty; `url` is valid for an hour."""

    url: str
    sha256: str
    mean: float = Field(description="The mean over tissue, 0 to 1.")


class ClassMapOut(_Shape):
    """A class map; `url` is valid for an hour."""

    url: str
    sha256: str
    width_px: int
    height_px: int
    map_mpp: float
    areas: list[AreaOut]
    tumor_stroma_ratio: float | None = Field(description="Stroma's share of tumor plus tumor stroma.")
    arithmetic: str | None = Field(None, description="What the network really ran in, as float32 or bfloat16.")
    confidence: ConfidenceOut | None = Field(None, description="None where it was not asked for.")


class JobOut(JobListed):
    """One job with its attempts and what came of it."""

    cohorts: list[str]
    slide: str
    case: str
    tissue_type: TissueType
    roi_mpp: float
    image_sha256: str
    settings: SettingsOut
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
    precision: Precision = Precision.FLOAT32
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


class ReviewedRoi(_Shape):
    """An ROI to be reviewed, with what is known of its class maps: of each segmenter the newest one."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    segmenters: list[str] = Field(description="Those whose class maps are there.")
    comparison: Comparison = Field(description="Whether `disagreement` is known, or why not.")
    disagreement: float | None = Field(
        description="How likely two segmenters differ at a random place of the tissue: tumor, tumor stroma or neither."
    )
    mean_confidence: float | None = Field(
        description="The mean of those that are known; None where none was asked for."
    )
    error: str | None = Field(description="Why the comparison failed.")


class ReviewPage(_Shape):
    """A cohort's ROIs, those to be reviewed first at the top; `next` continues the list."""

    rois: list[ReviewedRoi]
    comparisons: dict[Comparison, int] = Field(description="All ROIs of the cohort, by where their comparison stands.")
    rois_with_confidence: int
    next: str | None = None


class ComparisonsAsked(_Shape):
    """How many ROIs are going to be compared that were neither compared nor under way."""

    asked: int


class ClassOut(_Shape):
    """One class of a segmenter."""

    index: int
    name: str
    group: ClassGroup
    simplified_rgb: tuple[int, int, int]
    detailed_rgb: tuple[int, int, int]


class AdmissionOut(_Shape):
    """How closely mixed precision agrees with float32, measured with this checkpoint, and whether that is enough."""

    granted: bool
    agreement: float
    pixels: int
    arithmetic: str
    tissue: str


class SegmenterOut(_Shape):
    """A segmenter: registered, or known by its shipped card and waiting for its checkpoint."""

    name: str
    version: str
    title: str
    registered: bool
    digest: str | None
    format: CardFormat
    architecture: str
    encoder: str = Field(description="Empty where the network has none; of an ONNX file no more than a word.")
    output_channels: int
    model_mpp: float
    patch_px: int
    licence: str
    training_cohorts: list[str]
    checkpoint_sha256: str | None
    checkpoint_bytes: int | None
    expected_at: str | None = Field(description="Where the checkpoint would come from, while there is none.")
    notes: str
    admission: AdmissionOut | None = Field(None, description="None: never tested, and so float32.")
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
    """The registered segmenter, whether it is new, and otherwise what of its card was brought up to date."""

    segmenter: SegmenterOut
    added: bool
    renewed: list[str] = []


class Health(_Shape):
    """Whether the web service and what it needs answer."""

    status: Literal["ok", "down"]
    version: str
    database: bool
    broker: bool
    objects: bool


class MeOut(_Shape):
    """Who asks, and what they may do. `csrf_token` goes into the header X-CSRF-Token of what changes something."""

    actor: str
    account: str | None
    role: Role | None
    scopes: list[Scope]
    csrf_token: str | None = Field(description="None for a token, which needs no such header.")


class SessionOut(_Shape):
    """A session that has not ended."""

    id: int
    account: str
    address: str
    browser: str
    is_this: bool = Field(description="Whether the request itself came in this session.")
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class SessionList(_Shape):
    """Sessions, newest first."""

    sessions: list[SessionOut]


class AccountIn(_Ask):
    """An account to be made."""

    name: str = Field(max_length=100, examples=["jane"])
    role: Role
    password: str = Field(max_length=1000, description="12 characters or more; nothing else is asked of it.")


class AccountChange(_Ask):
    """What is to change of an account; what is absent stays."""

    role: Role | None = None
    is_active: bool | None = Field(None, description="False ends its sessions and suspends its tokens.")


class PasswordIn(_Ask):
    """Another password."""

    password: str = Field(max_length=1000)


class AccountOut(_Shape):
    """An account of a person."""

    name: str
    role: Role | None = Field(description="None: it was made by a sign-in, and awaits an admin.")
    is_active: bool
    oidc_issuer: str | None = Field(description="The provider that it signs in with; None: with a password.")
    created_at: datetime


class AccountList(_Shape):
    """All accounts by name."""

    accounts: list[AccountOut]


class TokenIn(_Ask):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=100, description="What it is for.", examples=["nightly upload"])
    scopes: list[Scope] = Field(min_length=1, description="submit and operate bring read, admin brings all.")
    days: int = Field(90, ge=1, le=3650, description="How long it is valid.")
    account: str | None = Field(
        None,
        max_length=100,
        pattern=r"^[^\x00]*$",
        description="Whose it is; it then allows no more than the account's role.",
    )


class TokenOut(_Shape):
    """A token, without its secret; `hint` is how it begins."""

    id: int
    name: str
    hint: str
    account: str | None
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class TokenMade(TokenOut):
    """A new token; `token` is shown here and never again."""

    token: str


class TokenList(_Shape):
    """All tokens by ascending id."""

    tokens: list[TokenOut]


class ActionOut(_Shape):
    """A line of the audit log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, object]


class AuditPage(_Shape):
    """The audit log, newest first; `next` continues it."""

    actions: list[ActionOut]
    next: int | None = None


class TrainingIn(_Ask):
    """A training to be done: a document as docs/training.md tells its keys, with the card as a table in it."""

    document: dict[str, object]


class EpochOut(_Shape):
    """What came of an epoch: its mean loss, and Dice in validation, by class in the order of the scheme."""

    epoch: int
    loss: float
    mean_dice: float
    dice: list[float | None] = Field(description="None for a class that is neither there nor found.")
    seconds: float


class TrainingListed(_Shape):
    """A training, and how far it is."""

    id: int
    segmenter: str
    version: str
    state: JobState
    epochs_done: int
    epochs: int = Field(description="How many it is to have.")
    mean_dice: float | None = Field(description="The best so far, in validation.")
    worker: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TrainingOut(TrainingListed):
    """A training with each of its epochs, and its report once it is done."""

    classes: list[str]
    history: list[EpochOut]
    document: dict[str, object]
    report: dict[str, object] | None


class TrainingList(_Shape):
    """All trainings, newest first."""

    trainings: list[TrainingListed]


class TrainingAdded(_Shape):
    """The training, and whether it is new or waits again."""

    training: TrainingOut
    added: bool
