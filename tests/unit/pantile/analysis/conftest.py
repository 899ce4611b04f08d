"""The generated study, once for all tests that look at it."""

from pathlib import Path

import pytest

from pantile.analysis.design import ARTICLE
from pantile.analysis.generated_files import SCORES_FILE, write_generated
from pantile.analysis.reading import read_text
from pantile.analysis.scores import ScoreTable, read_scores


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of generated files."""
    folder = tmp_path_factory.mktemp("generated")
    write_generated(folder, seed=7)
    return folder


@pytest.fixture(scope="session")
def study(generated: Path) -> ScoreTable:
    """Its scores of tumor tissue."""
    return read_scores(read_text(generated / SCORES_FILE), ARTICLE)[0].tumor
