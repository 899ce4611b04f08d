from fastapi.testclient import TestClient
from pydantic import SecretStr

from pantile.settings import Settings
from pantile.web.app import create_app

NOWHERE = "127.0.0.1:9"


def test_liveness_asks_nothing_of_any_server() -> None:
    settings = Settings(
        database_url=SecretStr(f"postgresql://{NOWHERE}/x"),
        broker_url=SecretStr(f"redis://{NOWHERE}/0"),
        s3_endpoint=f"http://{NOWHERE}",
    )
    with TestClient(create_app(settings)) as client:
        answer = client.get("/healthz")

    assert answer.json() == {"status": "ok"}


def test_readiness_is_ok_while_all_servers_answer(client: TestClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("status", "database", "broker", "objects")} == {
        "status": "ok",
        "database": True,
        "broker": True,
        "objects": True,
    }


def test_readiness_names_the_server_that_is_down(settings: Settings) -> None:
    mute = settings.model_copy(update={"broker_url": SecretStr(f"redis://{NOWHERE}/0")})
    with TestClient(create_app(mute)) as client:
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert (answer.json()["database"], answer.json()["broker"], answer.json()["objects"]) == (True, False, True)


def test_readiness_fails_without_the_bucket(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"s3_bucket": "not-there"}))) as client:
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["objects"]) == (503, False)
