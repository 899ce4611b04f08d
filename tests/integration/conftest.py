"""Small cohorts in the real catalog, for tests of what happens to their jobs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pantile.catalog import cohorts, jobs, rois, segmenters
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.rois import ImageRow, SubmittedRoi
from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.cohorts import read_rows
from pantile.domain.segmenters import Card, EngineSettings

SCHEME = ClassScheme(
    (
        TissueClass(
            index=0,
            name="glass",
            group=ClassGroup.BACKGROUND,
            simplified_rgb=(255, 255, 255),
            detailed_rgb=(255, 255, 255),
        ),
        TissueClass(
            index=1, name="tumor", group=ClassGroup.TUMOR, simplified_rgb=(0, 0, 255), detailed_rgb=(0, 0, 255)
        ),
    )
)

CARD = Card(
    name="toy",
    version="1",
    title="Toy",
    architecture="Unet",
    encoder="resnet18",
    output_channels=2,
    model_mpp=1.0,
    patch_px=512,
    scheme=SCHEME,
    licence="Apache-2.0",
    checkpoint_sha256="c" * 64,
)

MakeCohort = Callable[..., Cohort]


@pytest.fixture
def make_cohort(database: Database) -> MakeCohort:
    """Makes (or enlarges) a cohort whose images are stored, with its jobs waiting; nothing is in the bucket."""

    def make(
        name: str = "TCGA-BRCA", *, images: int = 2, segmenter_names: tuple[str, ...] = ("lung", "breast")
    ) -> Cohort:
        table = [(f"line {number}", {"path": f"slide{number}.jpg", "mpp": "0.25"}) for number in range(images)]
        rows = read_rows(table, columns=["path", "mpp"], cohort=name)
        with database.transaction() as connection:
            ids = [
                segmenters.add_segmenter(
                    connection,
                    replace(CARD, name=segmenter),
                    checkpoint_key="checkpoints/toy",
                    checkpoint_bytes=1,
                    actor="test",
                ).segmenter.id
                for segmenter in segmenter_names
            ]
            for number in range(images):
                rois.keep_image(
                    connection,
                    ImageRow(sha256=_digest(number), bytes=1, object_key=f"rois/{number}", width_px=9, height_px=9),
                )
            cohort = cohorts.open_cohort(connection, name)
            settings_digest = segmenters.keep_settings(connection, EngineSettings())
            cohorts.add_segmenters(connection, cohort.id, dict.fromkeys(ids, settings_digest))
            submitted = [SubmittedRoi(row=row, sha256=_digest(number), bytes=1) for number, row in enumerate(rows)]
            rois.add_rois(connection, cohort.id, submitted)
            jobs.plan_jobs(connection, cohort.id, max_attempts=3)
        return cohort

    return make


def _digest(number: int) -> str:
    return f"{number:064x}"
