"""RO-Crates: what a folder of research data says of itself, so that an archive and its readers understand it.

Written by hand after RO-Crate 1.1 (Soiland-Reyes et al., Data Science 2022): it is one JSON-LD file of flat entities.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METADATA_FILE = "ro-crate-metadata.json"

_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_TOOL = "#pantile"
_MAKING = "#making"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateFile:
    """A file of a crate: its path from the crate's root, what it is, and the digest of its bytes."""

    path: str
    title: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateSegmenter:
    """A segmenter whose class maps the data is about."""

    name: str
    version: str
    title: str
    licence: str
    checkpoint_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is said of a release as a whole; `date` is ISO 8601."""

    title: str
    description: str
    authors: Sequence[str]
    licence: str
    date: str
    software_version: str


def crate_metadata(release: Release, files: Sequence[CrateFile], segmenters: Sequence[CrateSegmenter]) -> str:
    """The text of `ro-crate-metadata.json`."""
    graph = [
        {
            "@id": METADATA_FILE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(release, files, segmenters),
        *(_file(file) for file in files),
        *(_segmenter(segmenter) for segmenter in segmenters),
        *({"@id": _person(name), "@type": "Person", "name": name} for name in release.authors),
        {
            "@id": _TOOL,
            "@type": "SoftwareApplication",
            "name": "Pantile",
            "version": release.software_version,
        },
        {
            "@id": _MAKING,
            "@type": "CreateAction",
            "name": "Exported from a study in Pantile",
            "endTime": release.date,
            "instrument": {"@id": _TOOL},
            "object": [{"@id": _software(segmenter)} for segmenter in segmenters],
            "result": [{"@id": file.path} for file in files],
        },
    ]
    context = [f"{_SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}]
    return json.dumps({"@context": context, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def _root(release: Release, files: Sequence[CrateFile], segmenters: Sequence[CrateSegmenter]) -> Mapping[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": release.title,
        "description": release.description,
        "datePublished": release.date[:10],
        "license": release.licence,
        "author": [{"@id": _person(name)} for name in release.authors],
        "hasPart": [{"@id": file.path} for file in files],
        "mentions": [{"@id": _MAKING}, *({"@id": _software(segmenter)} for segmenter in segmenters)],
    }


def _file(file: CrateFile) -> Mapping[str, Any]:
    return {
        "@id": file.path,
        "@type": "File",
        "name": file.title,
        "encodingFormat": file.media_type,
        "contentSize": str(file.bytes),
        "sha256": file.sha256,
    }


def _segmenter(segmenter: CrateSegmenter) -> Mapping[str, Any]:
    identifier = {"identifier": f"sha256:{segmenter.checkpoint_sha256}"} if segmenter.checkpoint_sha256 else {}
    return {
        "@id": _software(segmenter),
        "@type": "SoftwareApplication",
        "name": segmenter.title,
        "alternateName": segmenter.name,
        "version": segmenter.version,
        "license": segmenter.licence,
        **identifier,
    }


def _software(segmenter: CrateSegmenter) -> str:
    return f"#segmenter-{segmenter.name}"


def _person(name: str) -> str:
    return "#person-" + "-".join(name.lower().split())


def citation(release: Release) -> str:
    """The text of `CITATION.cff` (Citation File Format 1.2.0), of which JSON strings are valid YAML."""
    authors = "".join(f"  - name: {json.dumps(name, ensure_ascii=False)}\n" for name in release.authors)
    return (
        "cff-version: 1.2.0\n"
        "message: If you use these data, please cite them as below.\n"
        "type: dataset\n"
        f"title: {json.dumps(release.title, ensure_ascii=False)}\n"
        f"authors:\n{authors}"
        f"date-released: {release.date[:10]}\n"
        f"license: {json.dumps(release.licence)}\n"
    )
