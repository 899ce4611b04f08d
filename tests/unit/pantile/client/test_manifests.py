"""Manifests are read as people write them, and what is wrong is named by its line."""

from pathlib import Path

import pytest

from pantile.client.manifests import find_images, read_manifest
from pantile.domain.cohorts import MAX_ROWS
from pantile.domain.errors import FileRefused, ManifestRefused
from pantile.domain.rois import TissueType

STUDY = "TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg"


def write(folder: Path, text: str, *images: str, name: str = "manifest.csv") -> Path:
    for image in images:
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(b"image")
    manifest = folder / name
    manifest.write_text(text, "utf-8")
    return manifest


def refusal(manifest: Path, *, cohort: str | None = None, mpp: float | None = None) -> str:
    with pytest.raises(ManifestRefused) as refused:
        read_manifest(manifest, cohort=cohort, mpp=mpp)
    return refused.value.detail


def test_paths_are_relative_to_the_manifests_folder(tmp_path: Path) -> None:
    manifest = write(tmp_path, f"path\nimages/{STUDY}\n", f"images/{STUDY}")

    (roi,) = read_manifest(manifest)

    assert roi.file == tmp_path / "images" / STUDY
    assert roi.row.path == f"images/{STUDY}"
    assert (roi.row.cohort, roi.row.case, roi.row.mpp) == ("TCGA-BRCA", "TCGA-A2-A0D2", 0.25)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do_it(tmp_path: Path, delimiter: str) -> None:
    lines = [("Path", "cohort", "mpp", "tissue_type"), ("a.jpg", "C", "0.5", "benign")]
    manifest = write(tmp_path, "\ufeff" + "\r\n".join(delimiter.join(cells) for cells in lines), "a.jpg")

    (roi,) = read_manifest(manifest)

    assert (roi.row.cohort, roi.row.mpp, roi.row.key.tissue_type) == ("C", 0.5, TissueType.NORMAL)


def test_a_decimal_comma_is_read_where_columns_are_separated_by_semicolons(tmp_path: Path) -> None:
    manifest = write(tmp_path, "path;cohort;mpp\na.jpg;C;0,25\n", "a.jpg")

    assert read_manifest(manifest)[0].row.mpp == 0.25


def test_addresses_have_no_file(tmp_path: Path) -> None:
    manifest = write(tmp_path, f"path\ns3://study/{STUDY}\n")

    assert read_manifest(manifest)[0].file is None


def test_wrong_lines_are_named_also_behind_quoted_newlines_and_empty_lines(tmp_path: Path) -> None:
    text = 'path,cohort,case,mpp\na.jpg,C,,0.25\nb.jpg,C,"two\nlines",1\n\nmissing.jpg,C,,x\na.jpg,C,,0.25\n'
    manifest = write(tmp_path, text, "a.jpg", "b.jpg")

    problems = refusal(manifest).split("; ")

    assert problems == [
        "line 3: the case has a character that cannot be shown",
        "line 6: the mpp 'x' is not a number",
        "line 7: ROI a_tumor of cohort C is there already, line 2",
    ]


def test_a_problem_of_many_rows_is_told_once(tmp_path: Path) -> None:
    images = [f"{number}.jpg" for number in range(9)]
    manifest = write(tmp_path, "path,cohort\n" + "".join(f"{image},C\n" for image in images), *images)

    assert refusal(manifest) == (
        "line 2, line 3, line 4, line 5, line 6 and 4 more: "
        "The image has no mpp, neither in the manifest nor in its name"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the column 'path' is missing; there are no columns"),
        ("file,mpp\na.jpg,1\n", "the column 'path' is missing; there are file, mpp"),
        ("path,colour\na.jpg,red\n", "unknown columns colour; known are path, "),
        ("path,mpp,mpp\na.jpg,1,1\n", "the column 'mpp' is there twice"),
        ("path,mpp\na.jpg,1,2\n", "line 2: 3 cells under 2 columns"),
        ("path\n", "it names no image"),
        ("path,cohort\n,C\n", "line 2: the path is empty"),
        ("path,cohort,mpp\na.jpg,C,one\n", "line 2: the mpp 'one' is not a number"),
        ('path\n"a.jpg\n', "is not valid CSV"),
        ("path,cohort\na\x00.jpg,C\n", "line 2: the path has a character that cannot be shown"),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in refusal(write(tmp_path, text, "a.jpg"), cohort="C", mpp=1)


@pytest.mark.parametrize("separator", [",", ";"])
def test_rows_beyond_the_limit_are_refused_and_not_read(tmp_path: Path, separator: str) -> None:
    header = f"path{separator}mpp\n"
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(header + f"a.jpg{separator}1\n" * (MAX_ROWS + 1) + '"never closed')

    assert "it names more images than the 100,000 that are taken at once" in refusal(manifest)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"case": "x" * 201}, "the case has 201 characters, more than 200"),
        ({"path": "x" * 2049}, "the path has 2049 characters, more than 2048"),
        ({"path": f"{'x' * 201}.jpg"}, "the slide has 201 characters, more than 200"),
        ({"mpp": "1" * 101}, "the mpp has 101 characters, more than 100"),
        ({"roi_number": "1000001"}, "the roi_number '1000001' is not a whole number from 1 to 1,000,000"),
        ({"roi_number": "²"}, "the roi_number '²' is not a whole number from 1 to 1,000,000"),
        ({"slide": "\u202egpj.a"}, "the slide has a character that cannot be shown"),
        ({"slide": "\x1b[2J"}, "the slide has a character that cannot be shown"),
    ],
)
def test_cells_that_nobody_could_keep_or_show_are_refused(tmp_path: Path, cells: dict[str, str], sentence: str) -> None:
    row = {"path": "a.jpg", "cohort": "C", "mpp": "1"} | cells
    manifest = write(tmp_path, f"{','.join(row)}\n{','.join(row.values())}\n", "a.jpg")

    assert refusal(manifest) == f"line 2: {sentence}"


def test_a_thousand_columns_are_refused_in_one_short_sentence(tmp_path: Path) -> None:
    columns = ["path", *(f"{number}{'x' * 1000}" for number in range(1000))]

    assert len(refusal(write(tmp_path, ",".join(columns) + "\n"))) < 1000


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes("path\nMäuse.jpg".encode("latin-1"))

    assert "is not text in UTF-8" in refusal(manifest)


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="No such file"):
        read_manifest(tmp_path / "none.csv")


def test_an_image_is_no_manifest(tmp_path: Path) -> None:
    write(tmp_path, "", STUDY)

    assert "images are submitted by naming their folder" in refusal(tmp_path / STUDY)


def test_a_folder_is_searched_for_images_of_any_depth(tmp_path: Path) -> None:
    write(tmp_path, "", "b.JPG", "deep/er/a.png", ".hidden.jpg", ".cache/c.jpg", "b_mask.png", "b_overlay.jpg")

    assert sorted(find_images(tmp_path)) == ["b.JPG", "deep/er/a.png"]


def test_images_of_a_folder_are_named_in_its_problems(tmp_path: Path) -> None:
    write(tmp_path, "", "one/a.jpg", "two/a.jpg")

    assert refusal(tmp_path, cohort="C", mpp=1) == "two/a.jpg: ROI a_tumor of cohort C is there already, one/a.jpg"


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    assert "there is no image in" in refusal(tmp_path)


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415 — an extra

    write(tmp_path, "", "a.jpg", "b.jpg")
    table = pyarrow.table({"path": ["a.jpg", "b.jpg"], "mpp": [0.25, None], "roi_number": [2.0, None]})
    parquet.write_table(table, tmp_path / "manifest.parquet")

    rois = read_manifest(tmp_path / "manifest.parquet", cohort="C", mpp=0.5)

    assert [(roi.row.mpp, roi.row.key.roi_number) for roi in rois] == [(0.25, 2), (0.5, 1)]


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")

    assert "is not valid Parquet" in refusal(write(tmp_path, "path\n", name="manifest.parquet"))


def test_files_that_are_not_there_are_named_by_line(tmp_path: Path) -> None:
    manifest = write(tmp_path, "path,cohort,mpp\na.jpg,C,1\nmissing.jpg,C,1\ns3://b/x.jpg,C,1\n", "a.jpg")

    assert refusal(manifest) == f"line 3: there is no file {tmp_path}/missing.jpg"
