"""The doctor finds real servers well, and says of each fault what it is and what to do."""

from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr

from pantile.catalog.database import Database
from pantile.coordinator.doctor import examine
from pantile.domain.findings import Finding, Verdict
from pantile.objects import ObjectStore
from pantile.settings import Settings
from tests.conftest import own_database

NOWHERE = SecretStr("redis://127.0.0.1:1/0")


def faults(settings: Settings) -> dict[str, Finding]:
    return {found.subject: found for found in examine(settings) if found.verdict is Verdict.FAULT}


def test_servers_that_are_well_have_no_fault_and_nothing_is_left_behind(
    settings: Settings, objects: ObjectStore
) -> None:
    found = {each.subject: each for each in examine(settings)}

    assert [each for each in found.values() if each.verdict is Verdict.FAULT] == []
    assert {"PostgreSQL", "schema", "Redis", "queues", f"bucket {settings.s3_bucket}", "memory", "GPU"} <= found.keys()
    assert found[f"bucket {settings.s3_bucket}"].seen == "list, put, get, copy, get at the public address, delete"
    assert found["coordinator"].remedy == "Start it: `pantile coordinator`."
    assert list(objects.keys()) == []


@pytest.mark.parametrize(
    ("changes", "subject", "remedy"),
    [
        ({"database_url": SecretStr("")}, "PostgreSQL", "PANTILE_DATABASE_URL"),
        ({"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/x")}, "PostgreSQL", "PANTILE_DATABASE_URL"),
        ({"broker_url": SecretStr("")}, "Redis", "PANTILE_BROKER_URL"),
        ({"broker_url": NOWHERE}, "Redis", "PANTILE_BROKER_URL"),
        ({"s3_bucket": "no-such-bucket"}, "bucket no-such-bucket", "pantile bucket create"),
        ({"s3_endpoint": "http://127.0.0.1:1"}, "bucket", "PANTILE_S3_ENDPOINT"),
        ({"s3_secret_key": SecretStr("wrong")}, "bucket", "PANTILE_S3_ENDPOINT"),
        ({"s3_public_endpoint": "http://127.0.0.1:1"}, "bucket", "PANTILE_S3_PUBLIC_ENDPOINT"),
    ],
)
def test_a_fault_says_what_to_do(settings: Settings, changes: dict[str, Any], subject: str, remedy: str) -> None:
    (found,) = faults(settings.model_copy(update=changes)).values()

    assert found.subject.startswith(subject)
    assert remedy in found.remedy


def test_a_database_without_a_schema_wants_to_be_migrated(servers: Settings) -> None:
    with own_database(servers, template="template1") as empty:
        found = faults(empty)

    assert found["schema"].remedy == "Run `pantile database migrate`."


def test_a_schema_that_is_newer_than_the_code_is_told(settings: Settings) -> None:
    with closing(Database.from_settings(settings, connections=1)) as database, database.transaction() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "renew this one" in faults(settings)["schema"].remedy
