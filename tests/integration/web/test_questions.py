"""A study that asks more than a score: benign regions, after the article's Figure 7A."""

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.domain.questions import Question, QuestionKind
from pantile.domain.rois import TissueType
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.study_fixture import SmallStudy, make_study

QUESTIONS = (
    Question(number=1, kind=QuestionKind.SCORE, prompt="How good is this?", tissue_type=TissueType.TUMOR),
    Question(
        number=2,
        kind=QuestionKind.CHOICES,
        prompt="Which structures were segmented?",
        options=("glands", "muscle", "vessels", "none"),
        tissue_type=TissueType.NORMAL,
    ),
    Question(
        number=3,
        kind=QuestionKind.CHOICE,
        prompt="As which class?",
        options=("tumor", "tumor stroma", "other"),
        tissue_type=TissueType.NORMAL,
    ),
    Question(
        number=4,
        kind=QuestionKind.CHOICE,
        prompt="How usable is it?",
        options=("usable", "with corrections", "not usable"),
        tissue_type=TissueType.NORMAL,
    ),
    Question(
        number=5,
        kind=QuestionKind.TEXT,
        prompt="Off-label use?",
        is_required=False,
        tissue_type=TissueType.NORMAL,
    ),
)
BENIGN = 10
"""A normal ROI."""

WHOLE = {"2": ["glands", "vessels"], "3": "other", "4": "with corrections"}


@pytest.fixture
def small_study(database: Database) -> SmallStudy:
    """The small study, which asks tumor ROIs for a score and normal ones for four answers."""
    return make_study(database, questions=QUESTIONS)


@pytest.fixture
def r1(open_browser: OpenBrowser) -> TestClient:
    """R1, signed in."""
    return open_browser("r1")


def test_each_case_asks_what_its_tissue_is_asked(small_study: SmallStudy, r1: TestClient) -> None:
    asked = {
        roi: [
            question["number"] for question in read_case(r1, small_study.assignments["r1"][roi])["study"]["questions"]
        ]
        for roi in (0, BENIGN)
    }

    assert asked == {0: [1], BENIGN: [2, 3, 4, 5]}


def test_answers_are_kept_beside_the_comment_with_their_history(small_study: SmallStudy, r1: TestClient) -> None:
    key = small_study.assignments["r1"][BENIGN]
    output = read_case(r1, key)["panes"][0]["output"]

    first = put_score(r1, key, output, None, version=0, answers={"2": ["glands"]}, comment="crypts")
    second = put_score(r1, key, output, None, version=1, answers=WHOLE | {"5": "finds crypts"})
    commented = put_score(r1, key, output, None, version=2, comment="crypts, mostly")

    assert (first.json()["answers"], second.json()["comment"]) == ({"2": ["glands"]}, "crypts")
    assert commented.json()["answers"] == WHOLE | {"5": "finds crypts"}
    case = read_case(r1, key)
    assert case["panes"][0]["score"] == {
        "value": None,
        "answers": WHOLE | {"5": "finds crypts"},
        "comment": "crypts, mostly",
        "version": 3,
    }
    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [event["action"] for event in events] == ["set", "set", "comment"]


def test_what_is_no_answer_is_refused(small_study: SmallStudy, r1: TestClient) -> None:
    benign, tumor = small_study.assignments["r1"][BENIGN], small_study.assignments["r1"][0]
    output, other = (read_case(r1, key)["panes"][0]["output"] for key in (benign, tumor))

    refused = [
        put_score(r1, benign, output, 7, version=0),
        put_score(r1, benign, output, None, version=0, answers={"1": "7"}),
        put_score(r1, benign, output, None, version=0, answers={"9": "x"}),
        put_score(r1, benign, output, None, version=0, answers={"2": "glands"}),
        put_score(r1, benign, output, None, version=0, answers={"2": ["bone"]}),
        put_score(r1, benign, output, None, version=0, answers={"4": ["usable"]}),
        put_score(r1, benign, output, None, version=0, answers={"5": "x" * 4001}),
        put_score(r1, benign, output, None, version=0, answers={"5": 7}),
        put_score(r1, benign, output, None, version=0, answers={"5": "a\x00b"}),
        put_score(r1, tumor, other, 7, version=0, answers=WHOLE),
    ]

    assert [answer.status_code for answer in refused] == [422] * len(refused)
    assert r1.get(f"/v1/assignments/{benign}/events").json()["events"] == []


def test_a_case_is_complete_once_all_that_is_required_is_answered(small_study: SmallStudy, r1: TestClient) -> None:
    key = small_study.assignments["r1"][BENIGN]
    outputs = [pane["output"] for pane in read_case(r1, key)["panes"]]
    for output in outputs[1:]:
        put_score(r1, key, output, None, version=0, answers=WHOLE)
    put_score(r1, key, outputs[0], None, version=0, answers={"2": ["none"], "4": "not usable"})

    refused = r1.post(f"/v1/assignments/{key}/complete", json={})
    put_score(r1, key, outputs[0], None, version=1, answers={"2": ["none"], "3": "other", "4": "not usable"})

    assert (refused.status_code, refused.json()["unscored"]) == (409, [outputs[0]])
    assert r1.post(f"/v1/assignments/{key}/complete", json={}).status_code == 200
