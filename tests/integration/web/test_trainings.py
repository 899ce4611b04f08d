"""Trainings through the API: asked for once, looked at, cancelled, refused in a sentence."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from pantile.cards import load_shipped_cards
from pantile.domain.segmenters import card_document

DOCUMENT: dict[str, Any] = {
    "card": card_document(load_shipped_cards()["lung"]),
    "tissue": {"folder": "/study", "images": "*.jpg", "class_maps": "{stem}.png", "mpp": 0.25},
    "learning": {"epochs": 7},
}


def ask(client: TestClient, **changes: object) -> Any:
    return client.post("/v1/trainings", json={"document": DOCUMENT | changes})


def test_a_training_is_asked_for_once(client: TestClient) -> None:
    first, second = ask(client), ask(client)

    assert (first.status_code, second.status_code) == (201, 200)
    asked = first.json()["training"]
    assert (asked["segmenter"], asked["state"], asked["epochs_done"], asked["epochs"]) == ("lung", "waiting", 0, 7)
    assert second.json()["training"]["id"] == asked["id"]
    assert [each["id"] for each in client.get("/v1/trainings").json()["trainings"]] == [asked["id"]]


def test_a_training_shows_what_it_was_asked_with(client: TestClient) -> None:
    training_id = ask(client).json()["training"]["id"]

    shown = client.get(f"/v1/trainings/{training_id}").json()

    assert shown["document"]["tissue"]["folder"] == "/study"
    assert shown["document"]["batches"]["size"] == 24
    assert (shown["history"], shown["report"]) == ([], None)
    assert shown["classes"][1] == "TUMOR"


def test_a_cancelled_training_waits_again_when_it_is_asked_for_again(client: TestClient) -> None:
    training_id = ask(client).json()["training"]["id"]

    cancelled = client.post(f"/v1/trainings/{training_id}/cancel").json()
    again = ask(client)

    assert cancelled["state"] == "cancelled"
    assert (again.status_code, again.json()["training"]["state"]) == (201, "waiting")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning": {"lr": 1}}, "unknown key learning.lr"),
        ({"card": "lung"}, "the key card is missing"),
        ({"tissue": {"mpp": 0.25}}, "names either a table or a pattern"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(client: TestClient, changes: dict[str, Any], sentence: str) -> None:
    refused = ask(client, **changes)

    assert refused.status_code == 422
    assert sentence in refused.json()["detail"]


def test_another_training_of_the_same_segmenter_is_refused(client: TestClient) -> None:
    ask(client)

    refused = ask(client, learning={"epochs": 8})

    assert refused.status_code == 422
    assert "another training makes lung 1" in refused.json()["detail"]


def test_a_training_that_is_not_there_is_not_found(client: TestClient) -> None:
    assert client.get("/v1/trainings/99").status_code == 404
    assert client.post("/v1/trainings/99/cancel").status_code == 404
