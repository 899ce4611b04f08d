"""What a rater is sent while a study is blinded names no segmenter and no file, wherever one looks."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from pantile.cards import load_shipped_cards
from pantile.catalog.database import Database
from pantile.domain.access import Scope
from pantile.domain.legends import LEGEND
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.study_fixture import ROIS, SEGMENTERS, SmallStudy

MakeToken = Callable[..., str]

# Besides its name, what says of which organ a segmenter is; as parts of longer words as well.
_ORGANS = ("breast", "mamma", "colon", "colorectal", "lung", "pulmon", "kidney", "renal", "prostat", "brca", "coadread")


@dataclass
class Recording:
    """Everything that a browser sent and was sent: addresses, headers and bodies."""

    texts: list[str] = field(default_factory=list)

    def take(self, response: httpx.Response) -> None:
        """Adds an exchange."""
        response.read()
        sent = [str(response.request.url), *map(str, response.request.headers.multi_items())]
        got = [*map(str, response.headers.multi_items()), response.content.decode("utf-8", "replace")]
        self.texts += [text.lower() for text in (*sent, *got)]

    def finds(self, word: str) -> str | None:
        """A word's first place, within its surroundings."""
        text = next((text for text in self.texts if word.lower() in text), None)
        return re.findall(f".{{0,40}}{re.escape(word.lower())}.{{0,40}}", text)[0] if text else None


def _secrets(database: Database) -> set[str]:
    """Whatever names a segmenter, its classes, an original file, or an object whose digest could be looked up."""
    told = {entry.label.lower() for entry in LEGEND} | {entry.group.value for entry in LEGEND}
    cards = [load_shipped_cards()[name] for name in SEGMENTERS]
    classes = {tissue.name for card in cards for tissue in card.scheme.classes}
    files = {roi.slide for roi in ROIS} | {roi.path for roi in ROIS} | {"_original"}
    with database.transaction() as connection:
        rows = connection.execute(
            """
            SELECT sha256 AS word FROM class_maps UNION SELECT sha256 FROM images UNION SELECT digest FROM segmenters
            UNION SELECT object_key FROM class_maps UNION SELECT object_key FROM images
            """
        ).fetchall()
    return {
        *_ORGANS,
        *(card.title for card in cards),
        *(name for name in classes if not any(name.lower() in words for words in told)),
        *files,
        *(row["word"] for row in rows),
        "class-maps/",
    }


def _read_everything(browser: TestClient, study: SmallStudy) -> None:
    for key in study.assignments["r1"].values():
        case = read_case(browser, key)
        browser.post(f"/v1/assignments/{key}/open")
        for pane in case["panes"]:
            if not pane["is_missing"]:
                browser.get(f"{pane['tiles']['url']}/0/0_0.png")
    key = study.assignments["r1"][0]
    panes = read_case(browser, key)["panes"]
    for pane in panes:
        put_score(browser, key, pane["output"], 7, version=0)
    put_score(browser, key, panes[0]["output"], 7, version=0)
    put_score(browser, key, uuid4().hex, 7, version=0)
    browser.put(f"/v1/assignments/{key}/flags", json={"kind": "output", "output": panes[0]["output"]})
    browser.put(f"/v1/assignments/{key}/comment", json={"comment": "x"})
    browser.post(f"/v1/assignments/{key}/complete", json={})
    put_score(browser, key, panes[0]["output"], 7, version=1)
    for page in ("events", "nothing"):
        browser.get(f"/v1/assignments/{key}/{page}")
    for page in ("", "/queue", "/next", "/calibration", "/rois", "/progress", "/export", "/agreement"):
        browser.get(f"/v1/studies/{study.name}{page}")
    for page in ("/v1/studies", "/v1/me", "/v1/cohorts", "/v1/jobs", "/v1/segmenters", "/v1/audit", "/v1/nothing"):
        browser.get(page)


def test_a_blinded_rater_is_sent_no_name(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """Check 28, of the API: every answer, header and address that a rater gets is searched."""
    with database.transaction() as connection:
        connection.execute("UPDATE study_rois SET is_calibration = true")
    r1, recording = open_browser("r1"), Recording()
    r1.event_hooks["response"].append(recording.take)

    _read_everything(r1, small_study)

    assert len(recording.texts) > 1000
    assert {word: found for word in _secrets(database) if (found := recording.finds(word))} == {}


def test_once_unblinded_a_case_names_segmenters_and_its_file(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")

    case = read_case(r1, key)

    assert case["study"]["is_blinded"] is False
    assert case["roi_name"] == f"{ROIS[0].slide}_tumor"
    assert [pane["segmenter"] for pane in case["panes"]] == [load_shipped_cards()[name].title for name in SEGMENTERS]
    assert r1.get(f"/v1/studies/{small_study.name}/queue").json()["cases"][0]["roi_name"] == case["roi_name"]


@pytest.mark.parametrize(("account", "expected"), [("r1", []), ("admin", [])])
def test_a_slides_name_is_no_way_to_find_its_case_while_blinded(
    small_study: SmallStudy, open_browser: OpenBrowser, account: str, expected: list[str]
) -> None:
    """A search that answered would confirm a guess."""
    found = open_browser(account).get(f"/v1/studies/{small_study.name}/queue", params={"q": ROIS[0].slide})

    assert found.json()["cases"] == expected


def test_admins_read_cases_blinded_as_well(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    case = read_case(open_browser("admin"), small_study.assignments["r1"][0])

    assert case["is_own"] is False
    assert {pane["segmenter"] for pane in case["panes"]} == {None}


@pytest.mark.parametrize("role", ["rater", "adjudicator"])
def test_a_viewer_who_scores_a_blinded_study_reads_no_names_elsewhere(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, make_token: MakeToken, role: str
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE accounts SET role = 'viewer' WHERE name IN ('r1', 'view')")
        connection.execute(
            "UPDATE study_members SET role = %s WHERE account_id = %s", [role, small_study.accounts["r1"]]
        )
    r1, viewer = open_browser("r1"), open_browser("view")
    bearer = {"Authorization": f"Bearer {make_token(Scope.READ, account_id=small_study.accounts['r1'])}"}

    for path in ("/v1/jobs", "/v1/segmenters", "/v1/cohorts"):
        assert viewer.get(path).status_code == 200
        assert r1.get(path).status_code == 403
        assert TestClient(r1.app).get(path, headers=bearer).status_code == 403
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")

    assert r1.get("/v1/jobs").status_code == 200
    assert TestClient(r1.app).get("/v1/jobs", headers=bearer).status_code == 200
