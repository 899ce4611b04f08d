from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.objects import ObjectStore

PutCheckpoint = Callable[[bytes], str]
WriteCard = Callable[..., str]
WriteCheckpoint = Callable[..., bytes]


def test_shipped_segmenters_wait_for_their_checkpoints(client: TestClient) -> None:
    found = client.get("/v1/segmenters").json()["segmenters"]

    assert [each["name"] for each in found] == ["breast", "colon", "kidney", "lung", "prostate"]
    assert not any(each["registered"] for each in found)
    assert found[0]["expected_at"].startswith("checkpoints/breast.safetensors")


def test_a_registered_segmenter_takes_the_place_of_its_shipped_card(client: TestClient, lung: str) -> None:
    found = client.get("/v1/segmenters").json()["segmenters"]

    assert sorted(each["name"] for each in found) == ["breast", "colon", "kidney", "lung", "prostate"]
    assert [each["name"] for each in found if each["registered"]] == [lung]


def test_registering_twice_adds_nothing(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    body = {
        "card": write_card("liver", channels=3),
        "checkpoint_sha256": put_checkpoint(write_checkpoint(channels=3)),
    }

    first = client.post("/v1/segmenters", json=body)
    second = client.post("/v1/segmenters", json=body)

    assert (first.status_code, first.json()["added"]) == (201, True)
    assert (second.status_code, second.json()["added"]) == (200, False)
    assert first.json()["segmenter"]["checkpoint_sha256"] == body["checkpoint_sha256"]


def test_a_card_whose_words_changed_is_brought_up_to_date_and_audited_once(
    client: TestClient,
    database: Database,
    put_checkpoint: PutCheckpoint,
    write_card: WriteCard,
    write_checkpoint: WriteCheckpoint,
) -> None:
    card = write_card("liver", channels=3)
    admission = '[admission]\nagreement = 0.9987\npixels = 12\narithmetic = "bfloat16"\ntissue = "3 regions"\n'
    sha256 = put_checkpoint(write_checkpoint(channels=3))
    client.post("/v1/segmenters", json={"card": card, "checkpoint_sha256": sha256})

    answers = [
        client.post("/v1/segmenters", json={"card": f"{card}\n{admission}", "checkpoint_sha256": sha256})
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.json()["renewed"]) for answer in answers] == [(200, ["admission"]), (200, [])]
    shown = client.get("/v1/segmenters/liver").json()["admission"]
    assert shown == {
        "granted": True,
        "agreement": 0.9987,
        "pixels": 12,
        "arithmetic": "bfloat16",
        "tissue": "3 regions",
    }
    with database.transaction() as connection:
        audit = connection.execute("SELECT action, details FROM audit WHERE subject = 'segmenter liver@1' ORDER BY id")
        lines = [(line["action"], line["details"]["renewed"]) for line in audit]
    assert lines == [("register", []), ("renew", ["admission"])]


def test_a_kept_checkpoint_is_not_uploaded_again(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    content = write_checkpoint(channels=3)
    sha256 = put_checkpoint(content)
    client.post("/v1/segmenters", json={"card": write_card("liver", channels=3), "checkpoint_sha256": sha256})

    answer = client.post("/v1/checkpoints", json={"sha256": sha256, "bytes": len(content)})

    assert answer.json() == {"url": None}


def test_a_card_with_another_channel_count_is_refused_with_the_classes_it_would_need(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    sha256 = put_checkpoint(write_checkpoint(channels=4))

    refused = client.post("/v1/segmenters", json={"card": write_card("liver", channels=3), "checkpoint_sha256": sha256})
    mended = client.post("/v1/segmenters", json={"card": write_card("liver", channels=4), "checkpoint_sha256": sha256})

    assert refused.status_code == 422
    detail = refused.json()["detail"]
    assert "the checkpoint has 4 output channels" in detail
    assert "classes with the indices 0 to 3" in detail
    assert "0 class 0, 1 class 1, 2 class 2" in detail
    assert mended.status_code == 201


def test_an_upload_of_another_digest_is_refused_and_removed(
    client: TestClient, objects: ObjectStore, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    upload = client.post("/v1/checkpoints", json={"sha256": "e" * 64, "bytes": 9}).json()
    httpx.put(upload["url"], content=write_checkpoint(channels=3)).raise_for_status()

    answer = client.post(
        "/v1/segmenters", json={"card": write_card("liver", channels=3), "checkpoint_sha256": "e" * 64}
    )

    assert answer.status_code == 422
    assert "the upload has the digest" in answer.json()["detail"]
    assert list(objects.keys("incoming/")) == []


def test_a_card_that_names_another_digest_is_refused(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    card = write_card("liver", channels=3, checkpoint_sha256="d" * 64)

    answer = client.post(
        "/v1/segmenters", json={"card": card, "checkpoint_sha256": put_checkpoint(write_checkpoint(channels=3))}
    )

    assert answer.status_code == 422
    assert "the card names the digest dddddddddddd…" in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [b"", b"pickle", b"\x08" + bytes(7) + b"not json", b"\x02" + bytes(7) + b"[]", b"\xff" * 8 + b"{}"],
    ids=["empty", "short", "no json", "no header", "length beyond the file"],
)
def test_what_is_no_safetensors_file_is_refused(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, content: bytes
) -> None:
    sha256 = put_checkpoint(content)

    answer = client.post("/v1/segmenters", json={"card": write_card("liver", channels=3), "checkpoint_sha256": sha256})

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:pantile:checkpoint-refused"


def test_a_checkpoint_that_never_came_is_missed(client: TestClient, write_card: WriteCard) -> None:
    answer = client.post(
        "/v1/segmenters", json={"card": write_card("liver", channels=3), "checkpoint_sha256": "e" * 64}
    )

    assert answer.status_code == 409
    assert answer.json()["detail"] == "The upload has not arrived: checkpoint eeeeeeeeeeee…"


def test_new_weights_need_a_new_version(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, write_checkpoint: WriteCheckpoint
) -> None:
    old, new = (put_checkpoint(write_checkpoint(channels=3, seed=seed)) for seed in range(2))

    statuses = [
        client.post(
            "/v1/segmenters",
            json={"card": write_card("liver", channels=3, version=version), "checkpoint_sha256": sha256},
        ).status_code
        for sha256, version in ((old, "1"), (new, "1"), (new, "2"))
    ]

    assert statuses == [201, 422, 201]
    assert client.get("/v1/segmenters/liver").json()["version"] == "2"
    assert client.get("/v1/segmenters/liver@1").json()["version"] == "1"


def test_a_card_that_cannot_be_read_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/segmenters", json={"card": "name = ", "checkpoint_sha256": "e" * 64})

    assert answer.status_code == 422
    assert "not valid TOML" in answer.json()["detail"]


def test_an_unknown_segmenter_is_not_found(client: TestClient) -> None:
    answer = client.get("/v1/segmenters/liver")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("There is no segmenter liver; known are breast, ")


def _as_onnx(card: str) -> str:
    return f'format = "onnx"\n{card}'


def test_an_onnx_file_is_registered_as_it_is(
    client: TestClient,
    objects: ObjectStore,
    put_checkpoint: PutCheckpoint,
    write_card: WriteCard,
    write_onnx: Callable[..., bytes],
) -> None:
    content = write_onnx(classes=3, patch_px=512)
    sha256 = put_checkpoint(content)

    answer = client.post(
        "/v1/segmenters", json={"card": _as_onnx(write_card("liver", channels=3)), "checkpoint_sha256": sha256}
    )
    again = client.post("/v1/checkpoints", json={"sha256": sha256, "bytes": len(content)})

    assert answer.status_code == 201
    assert answer.json()["segmenter"]["format"] == "onnx"
    assert objects.get(f"checkpoints/{sha256}.onnx") == content
    assert again.json() == {"url": None}


@pytest.mark.parametrize(
    ("written", "damage", "sentence"),
    [
        ({"classes": 4, "patch_px": 512}, b"", "the checkpoint has 4 output channels"),
        ({"classes": 3, "patch_px": 256}, b"", "takes patches of 256 px only, the card says 512"),
        ({"classes": 3, "patch_px": 512}, b"\xff", "it is no ONNX file, or a damaged one"),
    ],
)
def test_an_onnx_file_that_does_not_fit_its_card_is_refused(
    client: TestClient,
    put_checkpoint: PutCheckpoint,
    write_card: WriteCard,
    write_onnx: Callable[..., bytes],
    written: dict[str, int],
    damage: bytes,
    sentence: str,
) -> None:
    sha256 = put_checkpoint(write_onnx(**written) + damage)

    answer = client.post(
        "/v1/segmenters", json={"card": _as_onnx(write_card("liver", channels=3)), "checkpoint_sha256": sha256}
    )

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"pickle", b"PK\x03\x04"])
def test_what_is_no_onnx_file_is_refused(
    client: TestClient, put_checkpoint: PutCheckpoint, write_card: WriteCard, content: bytes
) -> None:
    sha256 = put_checkpoint(content)

    answer = client.post(
        "/v1/segmenters", json={"card": _as_onnx(write_card("liver", channels=3)), "checkpoint_sha256": sha256}
    )

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:pantile:checkpoint-unreadable"
