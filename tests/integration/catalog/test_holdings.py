"""The catalog knows which objects it names, whichever table names them."""

from collections.abc import Callable

from pantile.catalog import holdings
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database

MakeCohort = Callable[..., Cohort]


def test_keys_that_no_row_names_are_found(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=2)

    with database.transaction() as connection:
        unknown = holdings.find_unknown(connection, ["rois/0", "rois/7", "checkpoints/toy", "class-maps/x.png"])

    assert unknown == ["class-maps/x.png", "rois/7"]


def test_every_column_that_names_an_object_is_asked(database: Database) -> None:
    with database.transaction() as connection:
        columns = connection.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND column_name LIKE '%\\_key' AND data_type = 'text'
            """
        ).fetchall()

    assert {(row["table_name"], row["column_name"]) for row in columns} == set(holdings.FOLDERS)


def test_a_digest_is_awaited_until_its_image_was_checked(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=4)
    with database.transaction() as connection:
        for number, state in enumerate(("awaiting", "arriving", "stored")):
            connection.execute("UPDATE rois SET state = %s WHERE expected_sha256 = %s", [state, f"{number:064x}"])
        unawaited = holdings.find_unawaited(connection, [f"{number:064x}" for number in range(5)])

    assert unawaited == [f"{number:064x}" for number in (2, 3, 4)]
