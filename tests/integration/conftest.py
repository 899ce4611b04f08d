"""Small cohorts in the real catalog, for tests of what happens to their jobs."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from pantile.catalog import cohorts, jobs, rois, segmenters, study_setup
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.rois import ImageRow, SubmittedRoi
from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.cohorts import read_rows
from pantile.domain.segmenters import Card, EngineSettings
from pantile.domain.studies import Study, StudyChange, StudyPlan

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
                    ImageRow(
                        sha256=_digest(number),
                        bytes=1,
                        object_key=f"rois/{number}",
                        width_px=9,
                        height_px=9,
                        format="jpg",
                    ),
                )
            cohort = cohorts.open_cohort(connection, name)
            settings_digest = segmenters.keep_settings(connection, EngineSettings())
            cohorts.add_segmenters(connection, cohort.id, dict.fromkeys(ids, settings_digest))
            submitted = [SubmittedRoi(row=row, sha256=_digest(number), bytes=1) for number, row in enumerate(rows)]
            rois.add_rois(connection, cohort.id, submitted)
            jobs.plan_jobs(connection, cohort.id, max_attempts=3)
        return cohort

    return make


MakeStudy = Callable[..., Study]

STUDY_SEGMENTERS = ("breast", "colon", "lung", "kidney", "prostate")


@pytest.fixture
def make_study(database: Database) -> MakeStudy:
    """Makes a study of two cohorts, published unless told otherwise: `make_study(rois=12, missing=1, publish=True)`.

    Its ROIs alternate between TCGA-SKCM and TCGA-LUAD, every sixth is normal. Each has a class map of each segmenter
    but for the last ones of the first ROIs, which are `missing`; nothing is in the bucket.
    """

    def make(
        name: str = "pan-cancer",
        *,
        rois: int = 12,
        segmenter_names: tuple[str, ...] = STUDY_SEGMENTERS,
        missing: int = 1,
        publish: bool = True,
        seed: int = 7,
        **values: object,
    ) -> Study:
        with database.transaction() as connection:
            projects = [
                segment_cohort(connection, project, rois=rois, segmenter_names=segmenter_names)
                for project in ("TCGA-SKCM", "TCGA-LUAD")
            ]
            _lose_class_maps(connection, missing)
            plan = StudyPlan(
                name=name,
                title="Pan-cancer segmentation",
                seed=seed,
                cohorts=tuple(cohort.name for cohort in projects),
                segmenters=segmenter_names,
                **values,  # type: ignore[arg-type]  # as the test gives them
            )
            study = study_setup.create_study(connection, plan, actor="test")
            if not publish:
                return study
            return study_setup.step_study(connection, study, StudyChange.PUBLISH, actor="test")

    return make


def segment_cohort(
    connection: Connection, project: str, *, rois: int, segmenter_names: tuple[str, ...] = STUDY_SEGMENTERS
) -> Cohort:
    """A cohort with its part of so many ROIs, all of them segmented; the same again with more ROIs enlarges it."""
    offset = 0 if project == "TCGA-SKCM" else 1
    table = [
        (f"line {number}", {"path": f"{project}-D3-{number:04d}_0.253_{_tissue_type(number)}_original.jpg"})
        for number in range(offset, rois, 2)
    ]
    rows = read_rows(table, columns=["path"], cohort=project)
    cohort = cohorts.open_cohort(connection, project)
    ids = [_add_toy(connection, name) for name in segmenter_names]
    cohorts.add_segmenters(
        connection, cohort.id, dict.fromkeys(ids, segmenters.keep_settings(connection, EngineSettings()))
    )
    _add_stored(connection, cohort, [SubmittedRoi(row=row, sha256=_name_digest(row.path), bytes=1) for row in rows])
    jobs.plan_jobs(connection, cohort.id, max_attempts=3)
    connection.execute("UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE state = 'waiting'")
    connection.execute(
        """
        INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px,
                                extent_height_px, class_pixels, provenance)
        SELECT id, 'class-maps/' || id, encode(sha256(id::text::bytea), 'hex'), 1, 9, 9, 1.0, 36, 36, '{40,41}', '{}'
        FROM jobs ON CONFLICT DO NOTHING
        """
    )
    return cohort


def _tissue_type(number: int) -> str:
    return "normal" if number % 6 == 5 else "tumor"


def _add_toy(connection: Connection, name: str) -> int:
    card = replace(CARD, name=name)
    return segmenters.add_segmenter(
        connection, card, checkpoint_key="checkpoints/toy", checkpoint_bytes=1, actor="test"
    ).segmenter.id


def _add_stored(connection: Connection, cohort: Cohort, submitted: list[SubmittedRoi]) -> None:
    for roi in submitted:
        assert roi.sha256
        image = ImageRow(sha256=roi.sha256, bytes=1, object_key=f"rois/{roi.sha256}", width_px=40, height_px=40)
        rois.keep_image(connection, image)
    rois.add_rois(connection, cohort.id, submitted)
    connection.execute("DROP TABLE submitted")


def _lose_class_maps(connection: Connection, missing: int) -> None:
    lost = connection.execute(
        "SELECT max(j.id) AS id FROM jobs j GROUP BY image_sha256 ORDER BY min(j.id) LIMIT %s", [missing]
    ).fetchall()
    ids = [row["id"] for row in lost]
    connection.execute("DELETE FROM class_maps WHERE job_id = ANY(%s)", [ids])
    connection.execute("UPDATE jobs SET state = 'failed', error = 'no such tissue' WHERE id = ANY(%s)", [ids])


def _name_digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _digest(number: int) -> str:
    return f"{number:064x}"
