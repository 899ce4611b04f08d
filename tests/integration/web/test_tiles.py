"""Tiles are those of the stored pyramid and of the stored class map, for members of the study only."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pantile.catalog import jobs
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import ClassMapRow
from pantile.catalog.pyramids import Pyramid, keep_pyramid
from pantile.class_map_files import encode_class_map
from pantile.domain.access import Role, Scope
from pantile.domain.class_maps import ClassMap
from pantile.domain.deep_zoom import TileGrid, TilePlace
from pantile.objects import ObjectStore
from pantile_workers.imaging.pyramids import make_pyramid

MakeCohort = Callable[..., Cohort]
MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]

WIDTH_PX, HEIGHT_PX = 1300, 1100
IMAGE = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A study of one ROI and one output: their keys, the class map, and the pyramid as it was written."""

    roi: UUID
    output: UUID
    class_map: ClassMap
    pyramid: Pyramid


def _pyramid(folder: Path, objects: ObjectStore) -> Pyramid:
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    smooth = np.stack([rows / 5, columns / 6, (rows + columns) / 12], axis=-1).astype(np.uint8)
    Image.fromarray(smooth).save(folder / "roi.png")
    facts = make_pyramid(folder / "roi.png", folder / "pyramid.szi")
    stored = objects.put_file("pyramids", folder / "pyramid.szi", media_type="application/zip")
    return Pyramid(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, **asdict(facts))


def _segment(database: Database, objects: ObjectStore, class_map: ClassMap) -> tuple[int, str]:
    """Ends the cohort's one job with this class map; gives the job and the class map's digest."""
    palette = np.zeros((2, 3), dtype=np.uint8)
    stored = objects.put_named(
        "class-maps", encode_class_map(class_map, palette), suffix=".png", media_type="image/png"
    )
    row = ClassMapRow(
        object_key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
        width_px=class_map.shape[1],
        height_px=class_map.shape[0],
        map_mpp=1.0,
        extent_width_px=WIDTH_PX,
        extent_height_px=HEIGHT_PX,
        class_pixels=[0, 0],
        provenance={},
    )
    with database.transaction() as connection:
        (job,) = connection.execute("SELECT id FROM jobs").fetchall()
        claim = jobs.claim_jobs(connection, job["id"], worker="w", token=uuid4(), lease_s=60, siblings=0)
        assert jobs.finish_job(connection, claim.jobs[0].lease, row, timings={})
    return job["id"], stored.sha256


def _insert(connection: Connection, statement: str, *values: object) -> UUID:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return UUID(str(next(iter(row.values()))))


def _study(database: Database, job_id: int, sha256: str) -> tuple[UUID, UUID]:
    with database.transaction() as connection:
        connection.execute("INSERT INTO studies (name, title, seed, created_by) VALUES ('s', 'S', 1, 'test')")
        connection.execute(
            "INSERT INTO study_segmenters (study_id, number, segmenter_id) "
            "SELECT s.id, 1, g.id FROM studies s, segmenters g"
        )
        roi = _insert(
            connection,
            "INSERT INTO study_rois (study_id, roi_id) SELECT s.id, r.id FROM studies s, rois r RETURNING key",
        )
        output = _insert(
            connection,
            "INSERT INTO outputs (study_id, roi_id, number, job_id, sha256) "
            "SELECT study_id, roi_id, 1, %s, %s FROM study_rois RETURNING key",
            job_id,
            sha256,
        )
    return roi, output


@pytest.fixture
def shown(database: Database, objects: ObjectStore, make_cohort: MakeCohort, tmp_path: Path) -> Shown:
    """A study that shows a real pyramid and a class map of noise in patches, 700 x 530 pixels."""
    make_cohort(images=1, segmenter_names=("lung",))
    coarse = np.random.default_rng(3).integers(0, 3, (53, 70), dtype=np.uint8)
    class_map: ClassMap = coarse.repeat(10, axis=0).repeat(10, axis=1)
    pyramid = _pyramid(tmp_path, objects)
    roi, output = _study(database, *_segment(database, objects, class_map))
    with database.transaction() as connection:
        keep_pyramid(connection, IMAGE, pyramid)
    return Shown(roi=roi, output=output, class_map=class_map, pyramid=pyramid)


@pytest.fixture
def rater(database: Database, make_account: MakeAccount, make_token: MakeToken) -> dict[str, str]:
    """What a rater who is in every study sends along; they have no scope at all."""
    account_id = make_account(Role.RATER, name="rita")
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO study_members (study_id, account_id, role) SELECT id, %s, 'rater' FROM studies", [account_id]
        )
    return {"Authorization": f"Bearer {make_token(Scope.READ, account_id=account_id)}"}


def _places(grid: TileGrid) -> list[TilePlace]:
    found = [
        TilePlace(level=level, column=column, row=row)
        for level in range(grid.levels)
        for column in range(4)
        for row in range(4)
    ]
    return [place for place in found if grid.has(place)]


def _address(key: UUID, place: TilePlace, suffix: str) -> str:
    return f"/tiles/{key}/{place.level}/{place.column}_{place.row}.{suffix}"


def test_every_tile_of_an_image_is_the_one_in_its_pyramid(
    shown: Shown, rater: dict[str, str], stranger: TestClient, objects: ObjectStore
) -> None:
    from zipfile import ZipFile  # noqa: PLC0415 — another reader than the one under test

    grid = TileGrid(width_px=WIDTH_PX, height_px=HEIGHT_PX, tile_px=510, overlap_px=1)
    with ZipFile(BytesIO(objects.get(shown.pyramid.object_key))) as archive:
        for place in _places(grid):
            answer = stranger.get(_address(shown.roi, place, "jpg"), headers=rater)

            name = f"pyramid/pyramid_files/{place.level}/{place.column}_{place.row}.jpg"
            assert answer.content == archive.read(name), place
            assert answer.headers["content-type"] == "image/jpeg"


def test_a_tile_shows_the_image_at_its_place(shown: Shown, rater: dict[str, str], stranger: TestClient) -> None:
    answer = stranger.get(f"/tiles/{shown.roi}/11/1_1.jpg", headers=rater)

    tile = np.asarray(Image.open(BytesIO(answer.content))).astype(int)
    rows, columns = np.mgrid[509:1021, 509:1021]
    expected = np.stack([rows / 5, columns / 6, (rows + columns) / 12], axis=-1)
    assert tile.shape == (512, 512, 3)
    assert np.abs(tile - expected).mean() < 2.0


def test_the_last_level_of_a_class_map_is_the_class_map_in_the_legends_indices(
    shown: Shown, rater: dict[str, str], stranger: TestClient
) -> None:
    """Check 4, at its source: each pixel of a tile is the class that is stored."""
    whole = np.zeros_like(shown.class_map)
    for column in range(2):
        for row in range(2):
            answer = stranger.get(f"/tiles/{shown.output}/10/{column}_{row}.png", headers=rater)
            picture = Image.open(BytesIO(answer.content))
            tile = np.asarray(picture)
            whole[row * 512 : row * 512 + tile.shape[0], column * 512 : column * 512 + tile.shape[1]] = tile
            assert (picture.mode, set(picture.info)) == ("L", set())

    # Of the toy segmenter's classes 0 is glass and 1 tumor; it has no class 2.
    assert np.array_equal(whole, np.array([0, 1, 0], dtype=np.uint8)[shown.class_map])


def test_smaller_levels_of_a_class_map_have_the_most_frequent_class(
    shown: Shown, rater: dict[str, str], stranger: TestClient
) -> None:
    legend = np.array([0, 1, 0], dtype=np.uint8)[shown.class_map]
    answer = stranger.get(f"/tiles/{shown.output}/9/0_0.png", headers=rater)
    tile = np.asarray(Image.open(BytesIO(answer.content)))

    assert tile.shape == (265, 350)
    for row, column in np.random.default_rng(4).integers(0, 265, (200, 2)):
        counts = Counter(legend[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel().tolist())
        assert counts[int(tile[row, column])] == max(counts.values())


def test_browsers_keep_tiles_and_nobody_else_does(shown: Shown, rater: dict[str, str], stranger: TestClient) -> None:
    for address in (f"/tiles/{shown.roi}/8/0_0.jpg", f"/tiles/{shown.output}/8/0_0.png"):
        answer = stranger.get(address, headers=rater)
        tag = answer.headers["etag"]

        again = stranger.get(address, headers=rater | {"If-None-Match": tag})

        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_tiles_name_neither_segmenter_nor_digest(shown: Shown, rater: dict[str, str], stranger: TestClient) -> None:
    """Check 28, for tiles: nothing in a header or an image leads to the segmenter or the file."""
    answer = stranger.get(f"/tiles/{shown.output}/10/0_0.png", headers=rater)

    told = " ".join(f"{name}: {value}" for name, value in answer.headers.items()) + str(answer.url)
    assert not any(word in told for word in ("lung", "class-maps", shown.pyramid.sha256[:12], "slide0"))
    assert b"lung" not in answer.content


def test_without_a_session_a_tile_is_not_shown(shown: Shown, stranger: TestClient) -> None:
    """Check 50: a tile without a session is refused with 401."""
    assert stranger.get(f"/tiles/{shown.roi}/8/0_0.jpg").status_code == 401
    assert stranger.get(f"/tiles/{shown.output}/8/0_0.png").status_code == 401


def test_who_is_not_in_the_study_may_not_see_its_tiles(
    shown: Shown, stranger: TestClient, make_account: MakeAccount, make_token: MakeToken
) -> None:
    account_id = make_account(Role.RATER, name="other")
    other = {"Authorization": f"Bearer {make_token(Scope.READ, account_id=account_id)}"}
    reader = {"Authorization": f"Bearer {make_token(Scope.READ)}"}

    for address in (f"/tiles/{shown.roi}/8/0_0.jpg", f"/tiles/{shown.output}/8/0_0.png"):
        assert stranger.get(address, headers=other).status_code == 403
        assert stranger.get(address, headers=reader).status_code == 200


def test_what_is_no_tile_is_not_there(shown: Shown, rater: dict[str, str], stranger: TestClient) -> None:
    missing = [
        f"/tiles/{uuid4()}/8/0_0.jpg",
        f"/tiles/{uuid4()}/8/0_0.png",
        f"/tiles/{shown.output}/8/0_0.jpg",
        f"/tiles/{shown.roi}/8/0_0.png",
        f"/tiles/{shown.roi}/12/0_0.jpg",
        f"/tiles/{shown.roi}/11/3_0.jpg",
        f"/tiles/{shown.output}/10/2_0.png",
        f"/tiles/{shown.roi}/8/0_0.webp",
    ]

    assert [stranger.get(address, headers=rater).status_code for address in missing] == [404] * len(missing)
    assert stranger.get("/tiles/no-key/8/0_0.jpg", headers=rater).status_code == 422
    assert stranger.get(f"/tiles/{shown.roi}/8/-1_0.jpg", headers=rater).status_code == 422


def test_tiles_that_are_still_to_be_made_are_asked_for_and_awaited(
    shown: Shown, rater: dict[str, str], stranger: TestClient, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("DELETE FROM pyramids")

    answers = [stranger.get(f"/tiles/{shown.roi}/8/0_0.jpg", headers=rater) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert int(answers[0].headers["retry-after"]) > 0
    assert answers[0].json()["detail"].startswith("The image's tiles are still being made")
    with database.transaction() as connection:
        chores = connection.execute("SELECT state FROM chores WHERE kind = 'pyramid'").fetchall()
        assert [chore["state"] for chore in chores] == ["waiting"]
        connection.execute("UPDATE chores SET state = 'failed', error = 'the image is damaged'")
    assert stranger.get(f"/tiles/{shown.roi}/8/0_0.jpg", headers=rater).status_code == 404


def test_a_pyramid_that_is_not_what_was_written_is_an_error_of_ours(
    shown: Shown, rater: dict[str, str], stranger: TestClient, objects: ObjectStore
) -> None:
    data = objects.get(shown.pyramid.object_key)
    objects.put(shown.pyramid.object_key, b"\x00" * len(data), media_type="application/zip")

    answer = stranger.get(f"/tiles/{shown.roi}/8/0_0.jpg", headers=rater)

    assert answer.status_code == 500
    assert "pyramids/" not in answer.text


def test_a_store_that_lost_the_object_is_told(
    shown: Shown, rater: dict[str, str], stranger: TestClient, objects: ObjectStore
) -> None:
    for key in [*objects.keys("pyramids/"), *objects.keys("class-maps/")]:
        objects.delete(key)

    for address in (f"/tiles/{shown.roi}/8/0_0.jpg", f"/tiles/{shown.output}/8/0_0.png"):
        assert stranger.get(address, headers=rater).status_code == 500


def test_an_index_is_read_once_and_a_class_map_decoded_once(
    shown: Shown, rater: dict[str, str], web_url: str, objects: ObjectStore
) -> None:
    """Only what was read before can still be given once the index and the class map are gone."""
    with httpx.Client(base_url=web_url, headers=rater) as client:
        assert client.get(f"/tiles/{shown.output}/8/0_0.png").status_code == 200
        assert client.get(f"/tiles/{shown.roi}/8/0_0.jpg").status_code == 200
        for key in objects.keys("class-maps/"):
            objects.delete(key)
        data = objects.get(shown.pyramid.object_key)
        objects.put(shown.pyramid.object_key, data[:-100] + b"\x00" * 100, media_type="application/zip")

        assert client.get(f"/tiles/{shown.output}/10/1_1.png").status_code == 200
        assert client.get(f"/tiles/{shown.roi}/11/0_0.jpg").status_code == 200
        assert client.get(f"/tiles/{shown.roi}/8/0_0.jpg").status_code == 200
