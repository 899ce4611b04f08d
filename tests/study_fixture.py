"""A small study in the real catalog and bucket, for tests of scoring over the API and in browsers.

Two cohorts, ten tumor ROIs and two normal ones, the study's five segmenters with class maps of known pixels, one output
that is missing and one image that cannot be tiled; the accounts admin, r1, r2, adj and view. R1 reads all ROIs, R2 the
first six a second time.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pantile.cards import load_shipped_cards
from pantile.catalog import cohorts, jobs, rois, segmenters, study_members, study_setup
from pantile.catalog.accounts import create_account
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import ClassMapRow
from pantile.catalog.rois import ImageRow, SubmittedRoi
from pantile.catalog.sessions import open_session
from pantile.class_map_files import encode_class_map
from pantile.domain.access import SECRET_BYTES, Role, make_key
from pantile.domain.class_maps import ClassMap, PaletteName
from pantile.domain.cohorts import read_rows
from pantile.domain.questions import SCORE_QUESTION, Question
from pantile.domain.segmenters import Card, EngineSettings
from pantile.domain.studies import StudyChange, StudyPlan, StudyRole
from pantile.objects import ObjectStore
from pantile.web.cookies import CSRF_HEADER, csrf_of
from pantile.web.passwords import hash_password

PASSWORD = "correct horse battery"
STUDY = "pan-cancer"
SEGMENTERS = ("breast", "colon", "lung", "kidney", "prostate")

ROI_WIDTH_PX, ROI_HEIGHT_PX, ROI_MPP = 1200, 900, 0.25
MAP_WIDTH_PX, MAP_HEIGHT_PX = 300, 225
BLOCK_PX = 25

MISSING = (2, 4)
"""ROI and segmenter, from 0, of the output that is missing."""

WIDER = 1
"""The ROI whose class maps span a fraction more than its image."""

UNTILED = 9
"""The ROI whose image is not in the bucket, so that its tiles cannot be made."""

ROLES: Mapping[str, tuple[Role, StudyRole | None]] = {
    "admin": (Role.ADMIN, None),
    "r1": (Role.RATER, StudyRole.RATER),
    "r2": (Role.RATER, StudyRole.RATER),
    "adj": (Role.ADJUDICATOR, StudyRole.ADJUDICATOR),
    "view": (Role.VIEWER, StudyRole.VIEWER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallRoi:
    """An ROI of the fixture."""

    cohort: str
    slide: str
    tissue_type: str

    @property
    def path(self) -> str:
        """What it was submitted as."""
        return f"{self.slide}_{ROI_MPP}_{self.tissue_type}_original.jpg"


ROIS: tuple[SmallRoi, ...] = (
    *(SmallRoi(cohort="TCGA-SKCM", slide=f"TCGA-SKCM-D3-A{n:03}", tissue_type="tumor") for n in range(6)),
    *(SmallRoi(cohort="TCGA-LUAD", slide=f"TCGA-LUAD-05-4{n:03}", tissue_type="tumor") for n in range(4)),
    # Of slides that have a tumor ROI as well.
    SmallRoi(cohort="TCGA-SKCM", slide="TCGA-SKCM-D3-A000", tissue_type="normal"),
    SmallRoi(cohort="TCGA-LUAD", slide="TCGA-LUAD-05-4000", tissue_type="normal"),
)

SECOND = ROIS[:6]
"""What R2 reads as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStudy:
    """The study, its people, and its assignments' keys by account and ROI (from 0)."""

    name: str
    study_id: int
    accounts: Mapping[str, int]
    assignments: Mapping[str, Mapping[int, UUID]]


def class_map_of(card: Card, roi: int, segmenter: int) -> ClassMap:
    """(225, 300) uint8: the class map of an ROI by a segmenter, in blocks of 25 pixels; both are counted from 0."""
    rows, columns = np.indices((MAP_HEIGHT_PX, MAP_WIDTH_PX)) // BLOCK_PX
    found: ClassMap = ((rows + columns + roi + segmenter) % len(card.scheme)).astype(np.uint8)
    return found


def image_of(roi: int) -> NDArray[np.uint8]:
    """(900, 1200, 3) uint8: an ROI's image, another one for each."""
    rows, columns = np.indices((ROI_HEIGHT_PX, ROI_WIDTH_PX))
    bands = (rows * 255 // ROI_HEIGHT_PX, columns * 255 // ROI_WIDTH_PX, (rows + columns) // 8 * 37 + roi * 20)
    return np.stack(bands, axis=-1).astype(np.uint8)


def make_study(
    database: Database,
    objects: ObjectStore | None = None,
    *,
    name: str = STUDY,
    questions: Sequence[Question] = (SCORE_QUESTION,),
    is_blinded: bool = True,
) -> SmallStudy:
    """Makes all of it, published; images and class maps are put into the bucket where one is given."""
    password_hash = hash_password(PASSWORD)
    with database.transaction() as connection:
        accounts = {
            account: create_account(connection, account, role=role, password_hash=password_hash, actor="fixture").id
            for account, (role, _) in ROLES.items()
        }
    _submit(database, objects)
    with database.transaction() as connection:
        plan = StudyPlan(
            name=name,
            title="Five segmenters, side by side",
            seed=1,
            cohorts=("TCGA-SKCM", "TCGA-LUAD"),
            segmenters=SEGMENTERS,
            questions=tuple(questions),
            is_blinded=is_blinded,
        )
        study = study_setup.create_study(connection, plan, actor="fixture")
        for account, (_, role) in ROLES.items():
            if role is not None:
                study_members.set_member(connection, study, account, role, actor="fixture")
        study_setup.step_study(connection, study, StudyChange.PUBLISH, actor="fixture")
        roi_ids = _roi_ids(connection)
        assignments = {
            "r1": _assign(connection, study.id, accounts["r1"], roi_ids, purpose="primary"),
            "r2": _assign(connection, study.id, accounts["r2"], roi_ids[: len(SECOND)][::-1], purpose="second"),
        }
    by_roi = {roi_id: number for number, roi_id in enumerate(roi_ids)}
    return SmallStudy(
        name=name,
        study_id=study.id,
        accounts=accounts,
        assignments={
            account: {by_roi[roi_id]: key for roi_id, key in keys.items()} for account, keys in assignments.items()
        },
    )


def sign_in(database: Database, account_id: int) -> str:
    """The secret of a session that is opened for an account."""
    secret = make_key(secrets.token_bytes(SECRET_BYTES))
    with database.transaction() as connection:
        open_session(connection, account_id, secret, address="127.0.0.1", browser="a test", longest_s=3600)
    return secret


def browser_of(database: Database, account_id: int, *, url: str) -> httpx.Client:
    """A client of a service at this address, in which an account is signed in."""
    secret = sign_in(database, account_id)
    return httpx.Client(
        base_url=url, cookies={"pantile-session": secret}, headers={CSRF_HEADER: csrf_of(secret)}, timeout=30
    )


def _submit(database: Database, objects: ObjectStore | None) -> None:
    """Cohorts with stored images, segmenters, and a class map of each pair but the one that is missing."""
    with database.transaction() as connection:
        segmenter_ids = [_register(connection, name) for name in SEGMENTERS]
        settings = segmenters.keep_settings(connection, EngineSettings())
        digests = [_keep_image(connection, objects, roi) for roi in range(len(ROIS))]
    for name in dict.fromkeys(roi.cohort for roi in ROIS):
        own = [number for number, roi in enumerate(ROIS) if roi.cohort == name]
        rows = read_rows([(str(number), {"path": ROIS[number].path}) for number in own], columns=["path"], cohort=name)
        submitted = [
            SubmittedRoi(row=row, sha256=digests[number], bytes=1) for number, row in zip(own, rows, strict=True)
        ]
        with database.transaction() as connection:
            cohort = cohorts.open_cohort(connection, name)
            cohorts.add_segmenters(connection, cohort.id, dict.fromkeys(segmenter_ids, settings))
            rois.add_rois(connection, cohort.id, submitted)
            jobs.plan_jobs(connection, cohort.id, max_attempts=3)
    with database.transaction() as connection:
        _segment(connection, objects, digests)


def _register(connection: Connection, name: str) -> int:
    card = replace(load_shipped_cards()[name], checkpoint_sha256=sha256(name.encode()).hexdigest())
    return segmenters.add_segmenter(
        connection, card, checkpoint_key=f"checkpoints/{name}", checkpoint_bytes=1, actor="fixture"
    ).segmenter.id


def _keep_image(connection: Connection, objects: ObjectStore | None, roi: int) -> str:
    data = _jpeg(roi) if objects else ROIS[roi].path.encode()
    digest = sha256(data).hexdigest()
    key = f"rois/{digest}.jpg"
    if objects and roi != UNTILED:
        objects.put(key, data, media_type="image/jpeg")
    rois.keep_image(
        connection,
        ImageRow(
            sha256=digest,
            bytes=len(data),
            object_key=key,
            width_px=ROI_WIDTH_PX,
            height_px=ROI_HEIGHT_PX,
            format="jpeg",
        ),
    )
    return digest


def _jpeg(roi: int) -> bytes:
    file = BytesIO()
    Image.fromarray(image_of(roi)).save(file, "JPEG", quality=80)
    return file.getvalue()


def _segment(connection: Connection, objects: ObjectStore | None, digests: Sequence[str]) -> None:
    waiting = connection.execute(
        """
        SELECT j.id, j.image_sha256, s.name FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id ORDER BY j.id
        """
    ).fetchall()
    for job in waiting:
        roi, segmenter = digests.index(job["image_sha256"]), SEGMENTERS.index(job["name"])
        if (roi, segmenter) == MISSING:
            continue
        claim = jobs.claim_jobs(connection, job["id"], worker="fixture", token=uuid4(), lease_s=60, siblings=0)
        claimed = claim.jobs[0]
        class_map = class_map_of(claimed.card, roi, segmenter)
        row = _keep_class_map(objects, claimed.card, class_map, is_wider=roi == WIDER)
        assert jobs.finish_job(connection, claimed.lease, row, timings={})


def _keep_class_map(objects: ObjectStore | None, card: Card, class_map: ClassMap, *, is_wider: bool) -> ClassMapRow:
    data = encode_class_map(class_map, card.scheme.palette(PaletteName.SIMPLIFIED)) if objects else class_map.tobytes()
    digest = sha256(data).hexdigest()
    key = f"class-maps/{digest}.png"
    if objects:
        objects.put(key, data, media_type="image/png")
    return ClassMapRow(
        object_key=key,
        sha256=digest,
        bytes=len(data),
        width_px=MAP_WIDTH_PX,
        height_px=MAP_HEIGHT_PX,
        map_mpp=1.0,
        extent_width_px=ROI_WIDTH_PX + 2.5 * is_wider,
        extent_height_px=ROI_HEIGHT_PX + 1.5 * is_wider,
        class_pixels=np.bincount(class_map.ravel(), minlength=len(card.scheme)).tolist(),
        provenance={},
    )


def _roi_ids(connection: Connection) -> list[int]:
    """The ids of `ROIS`, in their order."""
    rows = connection.execute("SELECT id, slide, tissue_type FROM rois").fetchall()
    ids = {(row["slide"], row["tissue_type"]): row["id"] for row in rows}
    return [ids[roi.slide, roi.tissue_type] for roi in ROIS]


def _assign(
    connection: Connection, study_id: int, account_id: int, roi_ids: Sequence[int], *, purpose: str
) -> dict[int, UUID]:
    """Assigns ROIs in this order, the panes turned by one from case to case; gives the keys by ROI."""
    keys = {}
    for place, roi_id in enumerate(roi_ids):
        numbers = list(range(1, len(SEGMENTERS) + 1))
        turned = numbers[place % len(numbers) :] + numbers[: place % len(numbers)]
        row = connection.execute(
            """
            INSERT INTO assignments (study_id, account_id, roi_id, purpose, position, pane_order)
            VALUES (%s, %s, %s, %s, %s, %s) RETURNING key
            """,
            [study_id, account_id, roi_id, purpose, place + 1, turned],
        ).fetchone()
        assert row is not None
        keys[roi_id] = row["key"]
    return keys
