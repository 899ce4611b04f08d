"""The API answers as its OpenAPI document says, whatever it is asked: `make fuzz` asks ten times as much."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.score_events import check_study
from pantile.catalog.tokens import create_token
from pantile.domain.access import SECRET_BYTES, Role, Scope, make_token
from pantile.domain.studies import Study
from tests.study_fixture import SmallStudy

MakeToken = Callable[..., str]

_CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
_EXAMPLES = os.environ.get("PANTILE_FUZZ_EXAMPLES", "20")
"""Requests that are made up for each operation."""

_ALONE = ("follow_cohort", "revoke_token")
"""Operations that would spoil a run of all: streams of cohorts with work left have no end, and the run has a token."""


@pytest.fixture
def cohort(
    client: TestClient,
    make_cohort: Callable[..., Cohort],
    make_account: Callable[..., int],
    make_study: Callable[..., Study],
) -> Cohort:
    """What the document's examples name: cohort, jobs, segmenter, account and study; the cohort is settled."""
    make_account(Role.VIEWER, name="jane")
    make_study("pan-cancer", rois=4)
    client.put("/v1/studies/pan-cancer/members/jane", json={"role": "rater"}).raise_for_status()
    cohort = make_cohort("TCGA-BRCA", segmenter_names=("lung", "breast"))
    client.post("/v1/cohorts/TCGA-BRCA/cancel").raise_for_status()
    return cohort


@pytest.mark.timeout(900)
@pytest.mark.parametrize("choice", ["include", "exclude"])
def test_every_answer_is_one_that_the_document_describes(
    database: Database, web_url: str, cohort: Cohort, choice: str, tmp_path: Path
) -> None:
    operations = [argument for name in _ALONE for argument in (f"--{choice}-operation-id", name)]

    run = _hold_against_description(
        web_url,
        *operations,
        *("--exclude-tag", "readings"),
        configuration=_CONFIGURATION,
        token=_admin_token(database),
        folder=tmp_path,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_a_raters_answers_are_described_as_well(
    database: Database, web_url: str, small_study: SmallStudy, make_token: MakeToken, tmp_path: Path
) -> None:
    """With the keys of a case of theirs, so that the requests come as far as its scores."""
    assignment = small_study.assignments["r1"][0]
    with database.transaction() as connection:
        row = connection.execute(
            """
            SELECT o.key FROM outputs o JOIN assignments a ON a.study_id = o.study_id AND a.roi_id = o.roi_id
            WHERE a.key = %s LIMIT 1
            """,
            [assignment],
        ).fetchone()
    assert row is not None
    keys = f"""
[parameters]
"path.assignment" = "{assignment}"
"path.output" = "{row["key"]}"
"path.study" = "{small_study.name}"
"""
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_CONFIGURATION.read_text() + keys)

    run = _hold_against_description(
        web_url,
        "--include-tag",
        "readings",
        configuration=configuration,
        token=make_token(Scope.READ, account_id=small_study.accounts["r1"]),
        folder=tmp_path,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    with database.transaction() as connection:
        assert check_study(connection, small_study.study_id).discrepancies == ()
        scored = connection.execute("SELECT count(*) AS events FROM score_events").fetchone()
    assert scored is not None
    assert scored["events"] > 0


def _hold_against_description(
    web_url: str, *options: str, configuration: Path, token: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(configuration),
        "run",
        "--max-examples",
        _EXAMPLES,
    ]
    return subprocess.run(
        [*command, *options, f"{web_url}/openapi.json"],
        env=os.environ | {"PANTILE_API_TOKEN": token},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _admin_token(database: Database) -> str:
    token = make_token(secrets.token_bytes(SECRET_BYTES))
    with database.transaction() as connection:
        create_token(connection, token, name="tests", scopes=[Scope.ADMIN], days=1, account_id=None, actor="test")
    return token
