"""Projects, manifests and answers of the GDC, and what is none."""

import pytest

from pantile.domain.errors import GdcRefused
from pantile.domain.gdc import (
    STUDY_PROJECTS,
    GdcFile,
    cohort_of,
    file_from,
    find_projects,
    read_manifest,
    write_manifest,
)

FILE = GdcFile(
    id="00000000-0000-0000-0000-00000000000a",
    name="a.svs",
    md5="0" * 32,
    bytes=7,
    project="TCGA-COAD",
    case="TCGA-AA-1",
)


def test_the_study_has_21_cohorts_of_22_projects() -> None:
    assert len(STUDY_PROJECTS) == 21
    assert len(find_projects(["study"])) == 22
    assert find_projects(["TCGA-COADREAD", "TCGA-READ"]) == ["TCGA-COAD", "TCGA-READ"]
    assert (cohort_of("TCGA-READ"), cohort_of("TCGA-GBM")) == ("TCGA-COADREAD", "TCGA-GBM")


@pytest.mark.parametrize("name", ["", "brca", "TCGA BRCA", "TCGA-BRCA;"])
def test_what_is_no_project_is_refused(name: str) -> None:
    with pytest.raises(GdcRefused, match="is no project"):
        find_projects([name])


def test_a_manifest_comes_back_as_it_was_written() -> None:
    assert read_manifest(write_manifest([FILE])) == [FILE]


def test_the_gdcs_own_manifest_has_neither_project_nor_case() -> None:
    (read,) = read_manifest(f"id\tfilename\tmd5\tsize\tstate\n{FILE.id}\ta.svs\t{FILE.md5}\t7\treleased\n\n")

    assert (read.name, read.project) == ("a.svs", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the column 'id' is missing"),
        ("id\tfilename\tmd5\n", "the column 'size' is missing"),
        (f"id\tfilename\tmd5\tsize\n{FILE.id}\ta.svs\t{FILE.md5}\tx\n", "line 2 has no number of bytes"),
        (f"id\tfilename\tmd5\tsize\n{FILE.id}\t../a.svs\t{FILE.md5}\t1\n", "line 2: '../a.svs' has no id, name"),
        (f"id\tfilename\tmd5\tsize\nx\ta.svs\t{FILE.md5}\t1\n", "line 2: 'a.svs' has no id"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(GdcRefused, match=sentence):
        read_manifest(text)


def test_an_answer_of_another_shape_is_refused() -> None:
    with pytest.raises(GdcRefused, match="not of the shape"):
        file_from({"file_id": "x"})
