"""The demo's study is made once, and found again."""

import httpx

from pantile.client.studies import StudiesClient
from pantile.domain.studies import StudyState
from pantile.local.demo_study import RATER, STUDY, make_demo_study
from tests.study_fixture import SmallStudy


def test_the_demos_study_is_published_with_all_cases_for_its_rater(
    small_study: SmallStudy, web_url: str, api_token: str
) -> None:
    with StudiesClient(web_url, token=api_token) as client:
        first = make_demo_study(client, cohorts=["TCGA-LUAD"], segmenters=["lung", "breast"])
        second = make_demo_study(client, cohorts=["TCGA-LUAD"], segmenters=["lung", "breast"])

        study = client.study(STUDY)

    assert (first.cases, second.cases, second.password) == (5, 5, None)
    assert study.state is StudyState.PUBLISHED
    assert first.password
    with httpx.Client(base_url=web_url) as browser:
        token = browser.get("/auth/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"name": RATER, "password": first.password, "csrf_token": token}
        assert browser.post("/auth/login", data=form).status_code == 303
