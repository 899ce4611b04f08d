"""The lines of the study's own CSV as they are imported: checked one by one, problems named by line."""

from math import isnan

from pantile.analysis.reading import Problems, TextFile
from pantile.analysis.scores import read_score
from pantile.domain.scores import MAX_COMMENT
from pantile.domain.study_csv import STUDY_COLUMNS, RoiColumns, ScoredName, ScoreLine, parse_scored_name


def read_score_lines(file: TextFile) -> list[ScoreLine]:
    """The lines of a file with the study's ten columns, under the rules by which the analysis reads scores.

    Raises:
        ScoresRefused: a column is missing, or a line is wrong or scores again what an earlier one did.
    """
    problems, lines = Problems(file.name), []
    seen: dict[tuple[str, int], str] = {}
    for where, row in file.rows(STUDY_COLUMNS, verbatim=("comment",)):
        name = _name(row["file_name"], row["tissue_type"])
        value = read_score(row["score"])
        if isinstance(name, str) or isinstance(value, str):
            problems.add(where, name if isinstance(name, str) else str(value))
            continue
        earlier = seen.setdefault((name.base, name.number), where)
        problem = _problem(row["model"], row["comment"], name, earlier if earlier != where else None)
        if problem:
            problems.add(where, problem)
            continue
        columns = RoiColumns(
            base=name.base,
            project=row["tcga_project"],
            case=row["tcga_case_id"],
            sample=row["tcga_sample_id"],
            uuid=row["tcga_uuid"],
            mpp=row["slide_mpp"],
            tissue_type=row["tissue_type"],
        )
        score = None if isnan(value) else int(value)
        lines.append(ScoreLine(where=where, name=name, columns=columns, value=score, comment=row["comment"]))
    if not lines and not problems.found:
        problems.add("line 1", "no scores follow the header")
    problems.raise_if_any()
    return lines


def _name(file_name: str, tissue_type: str) -> ScoredName | str:
    try:
        found = parse_scored_name(file_name, tissue_type=tissue_type)
    except ValueError as error:
        return str(error)
    return found or f"file_name {file_name[:200]!r} does not end with _modelN.jpg"


def _problem(model: str, comment: str, name: ScoredName, earlier: str | None) -> str | None:
    if model.lower() != f"model{name.number}":
        return f"model {model[:50]!r} is not the one of the file name, model{name.number}"
    if earlier is not None:
        return f"scores what {earlier} scores"
    if "\0" in comment or len(comment) > MAX_COMMENT:
        return f"the comment has more than {MAX_COMMENT:,} characters, or one that is none"
    return None
