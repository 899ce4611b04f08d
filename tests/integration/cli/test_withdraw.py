"""`pantile withdraw` shows what goes, asks, and withdraws."""

import io
from collections.abc import Callable

import pytest

from pantile.catalog.cohorts import Cohort
from pantile.cli.app import main
from pantile.objects import ObjectStore

Pantile = Callable[..., int]
MakeCohort = Callable[..., Cohort]


@pytest.fixture
def pantile(web_url: str, monkeypatch: pytest.MonkeyPatch, quiet_service: None) -> Pantile:
    """`pantile withdraw …` as a user types it, who answers what it asks; gives its exit code."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)

    def run(*arguments: str, stdin: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(["withdraw", *arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


def test_a_case_is_withdrawn_once_the_question_is_answered(
    pantile: Pantile, make_cohort: MakeCohort, objects: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    make_cohort(images=1)
    objects.put("rois/0", b"x", media_type="image/jpeg")

    assert pantile("slide0", "--reason", "asked for", "--dry-run") == 0
    assert pantile("slide0", "--reason", "asked for", stdin="n\n") == 1
    told = capsys.readouterr().out
    assert "images of ROIs" in told
    assert "Nothing was withdrawn." in told
    assert "rois/0" in set(objects.keys())

    assert pantile("slide0", "--reason", "asked for", stdin="y\n") == 0
    assert "slide0 is withdrawn: 1 object removed." in capsys.readouterr().out
    assert list(objects.keys()) == []

    assert pantile("slide0", "--reason", "asked for", "--yes") == 0
    assert "slide0 is withdrawn already." in capsys.readouterr().out


def test_a_name_that_is_unknown_is_told(pantile: Pantile, capsys: pytest.CaptureFixture[str]) -> None:
    assert pantile("nobody", "--reason", "asked for", "--yes") == 2
    assert "There is no such case, slide or ROI: nobody" in capsys.readouterr().err
