"""What a rater's browser gets in a whole visit names no segmenter (check 28)."""

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pantile.cards import load_shipped_cards
from pantile.catalog.database import Database
from pantile.domain.legends import LEGEND
from tests.e2e.scoring.conftest import SignIn
from tests.e2e.scoring.page import ScoringPage
from tests.study_fixture import ROIS, SEGMENTERS, SmallStudy

OWN = "/studies/pan-cancer"


def _secrets(database: Database) -> set[str]:
    """Names, titles, classes of their own, files and digests: what would tell whose an output is."""
    cards = [load_shipped_cards()[name] for name in SEGMENTERS]
    secrets = {card.title for card in cards} | {f"model{number}" for number in range(1, 6)}
    legend = " ".join(entry.label for entry in LEGEND).lower()
    classes = {each.name for card in cards for each in card.scheme.classes}
    secrets |= {name for name in classes if len(name) > 6 and name.lower() not in legend}
    secrets |= {roi.path for roi in ROIS} | {roi.slide for roi in ROIS}
    with database.transaction() as connection:
        for table, column in (("class_maps", "sha256"), ("class_maps", "object_key"), ("segmenters", "digest")):
            rows = connection.execute(f"SELECT {column} AS told FROM {table}").fetchall()  # noqa: S608 — named just above
            secrets |= {row["told"] for row in rows}
    return secrets


def _told(entry: dict[str, Any]) -> Iterator[str]:
    """Everything of one exchange that the browser saw: address, headers and body."""
    request, response = entry["request"], entry["response"]
    yield request["url"]
    for header in (*request["headers"], *response["headers"]):
        yield f"{header['name']}: {header['value']}"
    content = response["content"]
    text = content.get("text", "")
    yield b64decode(text).decode("latin-1") if content.get("encoding") == "base64" else text


def test_nothing_that_a_rater_is_sent_names_a_segmenter_or_a_file(
    study: SmallStudy, sign_in: SignIn, database: Database, tmp_path: Path
) -> None:
    """Check 28: a search through the recorded exchanges of a visit, tiles included."""
    har = tmp_path / "visit.har"
    page = sign_in("r1", record_har_path=har, record_har_content="embed")
    for path in ("/", OWN, f"{OWN}/queue"):
        page.goto(path)
    scoring = ScoringPage(page)
    for roi in (0, 2):
        scoring.go_to(study.assignments["r1"][roi])
        scoring.wait_until_open()
    page.context.close()

    entries = json.loads(har.read_text("utf-8"))["log"]["entries"]
    # The service's own program is the same for everybody, and was made before any study.
    sent = [entry for entry in entries if "/static/" not in entry["request"]["url"]]
    secrets = _secrets(database)
    leaks = {
        (entry["request"]["url"], secret)
        for entry in sent
        for told in _told(entry)
        for secret in secrets
        if secret.lower() in told.lower()
    }
    tiles = [entry for entry in sent if "/tiles/" in entry["request"]["url"]]
    assert len(tiles) >= 12
    assert leaks == set()
