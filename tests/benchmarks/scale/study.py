"""The study's ROIs and segmenters as rows: images that are known by digest and lie in no bucket, and no checkpoint."""

from dataclasses import dataclass, replace

from pantile.catalog import segmenters
from pantile.catalog.database import Database
from pantile.client.api import ApiClient
from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.segmenters import Card
from pantile.schemas.submissions import RoiIn, SubmissionIn, SubmittedCohort

SEGMENTERS = ("breast", "colon", "kidney", "lung", "prostate")

_IMAGE_BYTES = 20_000_000
_GROUPS = (ClassGroup.BACKGROUND, ClassGroup.TUMOR)
_CARD = Card(
    name="breast",
    version="1",
    title="A segmenter that only sleeps",
    architecture="Unet",
    encoder="resnet18",
    output_channels=2,
    model_mpp=1.0,
    patch_px=512,
    scheme=ClassScheme(
        tuple(
            TissueClass(
                index=index, name=group.value, group=group, simplified_rgb=(0, 0, index), detailed_rgb=(0, 0, index)
            )
            for index, group in enumerate(_GROUPS)
        )
    ),
    licence="Apache-2.0",
    checkpoint_sha256="c" * 64,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCohort:
    """So many ROIs, numbered on from `first`; no two cohorts of one run share a number."""

    name: str
    first: int
    rois: int

    @property
    def jobs(self) -> int:
        """How many jobs it is to have."""
        return self.rois * len(SEGMENTERS)

    def submission(self) -> SubmissionIn:
        """The cohort as it is submitted."""
        return SubmissionIn(
            cohort=self.name,
            rois=[
                RoiIn(path=f"TCGA-A2-{number:07d}_0.25_tumor_original.jpg", sha256=_digest(number), bytes=_IMAGE_BYTES)
                for number in range(self.first, self.first + self.rois)
            ],
        )


def register_segmenters(database: Database) -> None:
    """Registers the five; their checkpoint is never fetched."""
    with database.transaction() as connection:
        for name in SEGMENTERS:
            card = replace(_CARD, name=name)
            segmenters.add_segmenter(connection, card, checkpoint_key="none", checkpoint_bytes=1, actor="scale")


def know_images(database: Database, cohort: GeneratedCohort) -> None:
    """Makes a cohort's images known, so that its submission makes the jobs at once."""
    numbers = range(cohort.first, cohort.first + cohort.rois)
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO images (sha256, bytes, object_key, width_px, height_px, format)
            SELECT sha256, %s, 'rois/' || sha256 || '.jpg', 12500, 10000, 'jpeg' FROM unnest(%s::text[]) AS sha256
            """,
            [_IMAGE_BYTES, [_digest(number) for number in numbers]],
        )


def submit(api: ApiClient, cohort: GeneratedCohort) -> SubmittedCohort:
    """Submits a cohort whose images are known."""
    (submitted,) = api.submit(cohort.submission()).cohorts
    assert submitted.jobs_added == cohort.jobs
    return submitted


def _digest(number: int) -> str:
    # Scattered as real digests are, so that index pages are touched in no order.
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:048x}"
