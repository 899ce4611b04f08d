"""A client of the web service over real servers, and segmenters registered through it."""

import hashlib
import json
import secrets
import struct
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.accounts import create_account
from pantile.catalog.database import Database
from pantile.catalog.tokens import create_token
from pantile.domain import access
from pantile.domain.access import SECRET_BYTES, Role, Scope
from pantile.domain.studies import StudyRole
from pantile.settings import Settings
from pantile.web.app import create_app
from pantile.web.cookies import CSRF_HEADER, csrf_of
from pantile.web.passwords import hash_password
from tests.integration.web.scoring import OpenBrowser
from tests.study_fixture import SmallStudy, make_study, sign_in

CLASSES = """
[[classes]]
index = {index}
name = "class {index}"
group = "other"
simplified_rgb = [0, 0, 0]
detailed_rgb = [0, 0, 0]
"""


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the API with an admin token; errors of the service come as answers."""
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    with TestClient(create_app(settings), raise_server_exceptions=False, headers=headers) as client:
        yield client


def _card(name: str, *, channels: int, version: str = "1", checkpoint_sha256: str = "") -> str:
    """A card in TOML with that many classes."""
    return (
        f'name = "{name}"\nversion = "{version}"\narchitecture = "UnetPlusPlus"\nencoder = "timm-efficientnet-b0"\n'
        f'output_channels = {channels}\nmodel_mpp = 1.0\npatch_px = 512\nlicence = "CC0"\n'
        f'[checkpoint]\nsha256 = "{checkpoint_sha256}"\n'
        + "".join(CLASSES.format(index=index) for index in range(channels))
    )


def _checkpoint(*, channels: int, seed: int = 0) -> bytes:
    """A safetensors file with nothing but a segmentation head, after the format's own description."""
    weight = np.random.default_rng(seed).normal(size=(channels, 16, 3, 3)).astype("<f4")
    header = {
        "segmentation_head.0.weight": {
            "dtype": "F32",
            "shape": list(weight.shape),
            "data_offsets": [0, weight.nbytes],
        }
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + weight.tobytes()


@pytest.fixture
def write_card() -> Callable[..., str]:
    """Writes a card in TOML: `write_card(name, channels=2, version="1", checkpoint_sha256="")`."""
    return _card


@pytest.fixture
def write_checkpoint() -> Callable[..., bytes]:
    """Writes a checkpoint: `write_checkpoint(channels=2, seed=0)`."""
    return _checkpoint


PutCheckpoint = Callable[[bytes], str]


@pytest.fixture
def put_checkpoint(client: TestClient) -> PutCheckpoint:
    """Uploads a checkpoint as a client would, and gives its digest."""

    def put(content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = client.post("/v1/checkpoints", json={"sha256": sha256, "bytes": max(1, len(content))})
        httpx.put(answer.json()["url"], content=content).raise_for_status()
        return sha256

    return put


@pytest.fixture
def lung(client: TestClient, put_checkpoint: PutCheckpoint) -> str:
    """A registered segmenter named lung."""
    sha256 = put_checkpoint(_checkpoint(channels=2))
    card = _card("lung", channels=2)
    assert client.post("/v1/segmenters", json={"card": card, "checkpoint_sha256": sha256}).status_code == 201
    return "lung"


@pytest.fixture
def stranger(settings: Settings) -> Iterator[TestClient]:
    """A client of pages and API without token or session; it follows no redirects."""
    with TestClient(create_app(settings), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


PASSWORD = "correct horse battery"

MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]


@pytest.fixture
def make_account(database: Database) -> MakeAccount:
    """Makes an account with `PASSWORD` and gives its id: `make_account(Role.RATER, name="jane")`."""

    def make(role: Role, *, name: str = "jane") -> int:
        password_hash = hash_password(PASSWORD)
        with database.transaction() as connection:
            return create_account(connection, name, role=role, password_hash=password_hash, actor="test").id

    return make


@pytest.fixture
def make_token(database: Database) -> MakeToken:
    """Makes a token, valid for a day: `make_token(Scope.READ, account_id=None)`."""

    def make(*scopes: Scope, account_id: int | None = None) -> str:
        token = access.make_token(secrets.token_bytes(SECRET_BYTES))
        with database.transaction() as connection:
            create_token(connection, token, name="test", scopes=scopes, days=1, account_id=account_id, actor="test")
        return token

    return make


ActAs = Callable[..., TestClient]


@pytest.fixture
def act_as(client: TestClient, make_account: MakeAccount, make_token: MakeToken) -> ActAs:
    """Makes an account and a client that acts as it: `act_as("r1", Role.RATER)`. It knows `PASSWORD`."""

    def act(name: str, role: Role = Role.RATER) -> TestClient:
        token = make_token(Scope.ADMIN, account_id=make_account(role, name=name))
        other = TestClient(client.app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})
        other.portal = client.portal
        return other

    return act


@pytest.fixture
def join(client: TestClient, act_as: ActAs) -> ActAs:
    """Makes an account, a member of the study, and gives a client that acts as it: `join("r1", StudyRole.RATER)`."""

    def join_study(name: str, role: StudyRole = StudyRole.RATER, *, study: str = "pan-cancer") -> TestClient:
        other = act_as(name)
        client.put(f"/v1/studies/{study}/members/{name}", json={"role": role}).raise_for_status()
        return other

    return join_study


@pytest.fixture
def small_study(database: Database) -> SmallStudy:
    """The small study of `tests/study_fixture.py`, published; nothing is in the bucket."""
    return make_study(database)


@pytest.fixture
def open_browser(settings: Settings, database: Database, small_study: SmallStudy) -> Iterator[OpenBrowser]:
    """Gives a browser in which an account of the small study is signed in: `open_browser("r1")`."""
    app = create_app(settings)
    with TestClient(app):  # which opens and closes the application's servers

        def sign_in_as(account: str) -> TestClient:
            secret = sign_in(database, small_study.accounts[account])
            return TestClient(
                app,
                raise_server_exceptions=False,
                cookies={"pantile-session": secret},
                headers={CSRF_HEADER: csrf_of(secret)},
            )

        yield sign_in_as
