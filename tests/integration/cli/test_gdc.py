"""`pantile gdc` against a local server that speaks the few routes of the GDC that it asks."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pantile.cli.app import main
from pantile.client.gdc import GdcClient
from pantile.domain.errors import GdcDown, GdcRefused, TransferFailed
from pantile.domain.gdc import GdcFile

SLIDES = 2345


@dataclass
class Archive:
    """What the server has, how it answers, and what it was asked."""

    content: bytes = bytes(range(256)) * 5000
    cut_after: int | None = None
    statuses: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def file(self) -> GdcFile:
        md5 = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
        return GdcFile(id=f"{0:08x}-0000-0000-0000-{1:012x}", name="a.svs", md5=md5, bytes=len(self.content))


def hit(number: int) -> dict[str, Any]:
    return {
        "file_id": f"{number:08x}-0000-0000-0000-{number:012x}",
        "file_name": f"TCGA-A2-{number:04d}-01Z-00-DX1.svs",
        "md5sum": f"{number:032x}",
        "file_size": 1000,
        "state": "released",
        "cases": [{"submitter_id": f"TCGA-A2-{number:04d}", "project": {"project_id": "TCGA-READ"}}],
    }


def case(number: int) -> dict[str, Any]:
    diagnoses = [{"primary_diagnosis": f"Adenocarcinoma {place}"} for place in range(number % 3)]
    return {"case_id": f"c{number}", "submitter_id": f"TCGA-A2-{number:04d}", "project": {"project_id": "TCGA-READ"},
            "diagnoses": diagnoses}  # fmt: skip


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def address(archive: Archive) -> Iterator[str]:
    """Where the server listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            archive.asked.append((self.path, body))
            if archive.statuses and (status := archive.statuses.pop(0)) != 200:
                self.send_error(status)
                return
            make = hit if self.path == "/files" else case
            total = SLIDES if self.path == "/files" else 4
            last = min(total, body["from"] + body["size"])
            hits = [make(number) for number in range(body["from"], last)]
            self.answer(200, json.dumps({"data": {"hits": hits, "pagination": {"total": total}}}).encode())

        def do_GET(self) -> None:
            span = self.headers.get("Range", "") if archive.knows_ranges else ""
            archive.asked.append((self.path, self.headers.get("Range")))
            start = int(span.removeprefix("bytes=").rstrip("-") or 0)
            self.answer(206 if span else 200, archive.content[start:], cut=archive.cut_after)

        def answer(self, status: int, content: bytes, *, cut: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])
            if cut is not None and cut < len(content):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def pantile(address: str) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--server", address])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def client(address: str) -> Iterator[GdcClient]:
    with GdcClient(address, first_pause_s=0.01) as client:
        yield client


def test_a_manifest_lists_all_pages_of_what_the_article_selected(
    archive: Archive, pantile: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pantile("gdc", "manifest", "--projects", "TCGA-COADREAD", "--out", str(tmp_path / "m.tsv")) == 0

    lines = (tmp_path / "m.tsv").read_text().splitlines()
    assert len(lines) == 1 + SLIDES
    assert lines[0].split("\t") == ["id", "filename", "md5", "size", "state", "project", "case"]
    assert lines[-1].split("\t")[5:] == ["TCGA-READ", f"TCGA-A2-{SLIDES - 1}"]
    wanted = {each["content"]["field"]: each["content"]["value"] for each in archive.asked[0][1]["filters"]["content"]}
    assert wanted["cases.project.project_id"] == ["TCGA-COAD", "TCGA-READ"]
    assert wanted["files.experimental_strategy"] == ["Diagnostic Slide"]
    assert "TCGA-COADREAD" in capsys.readouterr().out


def test_a_clinical_table_has_a_row_a_diagnosis(pantile: Callable[..., int], tmp_path: Path) -> None:
    assert pantile("gdc", "clinical", "--projects", "TCGA-READ", "--out", str(tmp_path / "c.tsv")) == 0

    rows = [line.split("\t") for line in (tmp_path / "c.tsv").read_text().splitlines()]
    assert rows[0] == ["case_id", "case_submitter_id", "project_id", "primary_diagnosis"]
    assert [row[3] for row in rows[1:]] == ["", "Adenocarcinoma 0", "Adenocarcinoma 0", "Adenocarcinoma 1", ""]


def test_files_are_fetched_into_their_cohort_and_not_twice(
    archive: Archive, pantile: Callable[..., int], tmp_path: Path
) -> None:
    file = archive.file()
    listed = tmp_path / "m.tsv"
    listed.write_text(
        f"id\tfilename\tmd5\tsize\tstate\tproject\tcase\n{file.id}\ta.svs\t{file.md5}\t{file.bytes}\tx\tTCGA-READ\ty\n"
    )

    codes = [pantile("gdc", "fetch", str(listed), "--out", str(tmp_path / "slides")) for _ in range(2)]

    assert codes == [0, 0]
    assert (tmp_path / "slides" / "TCGA-COADREAD" / "a.svs").read_bytes() == archive.content
    assert [path for path, _ in archive.asked] == [f"/data/{file.id}"]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on_where_it_stopped(
    archive: Archive, client: GdcClient, tmp_path: Path, *, knows_ranges: bool
) -> None:
    archive.knows_ranges = knows_ranges
    archive.cut_after = 500_000
    told: list[int] = []
    if not knows_ranges:
        with pytest.raises(TransferFailed, match=r"500,000 of 1,280,000 bytes are kept"):
            client.fetch(archive.file(), tmp_path, told.append)
        archive.cut_after = None
        told.clear()

    fetched = client.fetch(archive.file(), tmp_path, told.append)

    assert fetched.read_bytes() == archive.content
    ranges = [asked for _, asked in archive.asked]
    assert ("bytes=500000-" in ranges, "bytes=1000000-" in ranges) == (True, knows_ranges)
    assert list(tmp_path.iterdir()) == [fetched]
    assert sum(told) == len(archive.content)


def test_a_file_with_other_bytes_is_not_kept(archive: Archive, client: GdcClient, tmp_path: Path) -> None:
    file = archive.file()
    archive.content = archive.content[::-1]

    with pytest.raises(TransferFailed, match="its MD5 is not that of the manifest"):
        client.fetch(file, tmp_path, lambda _: None)

    assert list(tmp_path.iterdir()) == []


def test_trouble_that_passes_is_waited_for_and_other_trouble_told(archive: Archive, client: GdcClient) -> None:
    archive.statuses = [503, 429, 200]
    assert next(client.slides(["TCGA-READ"])).case == "TCGA-A2-0000"

    archive.statuses = [400]
    with pytest.raises(GdcRefused, match="it answers 400"):
        next(client.slides(["TCGA-READ"]))

    archive.statuses = [500] * 9
    with pytest.raises(GdcDown, match="it answers 500"):
        next(client.slides(["TCGA-READ"]))


def test_nobody_there_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(GdcDown), GdcClient("http://127.0.0.1:9", first_pause_s=0.01) as client:
        next(client.slides(["TCGA-READ"]))
