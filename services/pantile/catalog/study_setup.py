"""Setting studies up: made as drafts, changed while they are, and taken from state to state."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Connection
from pantile.catalog.outputs import pin_outputs
from pantile.catalog.segmenters import find_segmenters
from pantile.catalog.studies import describe_study, find_study, lock_study
from pantile.domain.errors import StudyClosed, StudyExists, StudyRefused
from pantile.domain.questions import Question
from pantile.domain.studies import Study, StudyChange, StudyPlan, StudyState, state_after


def create_study(connection: Connection, plan: StudyPlan, *, actor: str) -> Study:
    """Makes a study, a draft, with the outputs that there are; audited.

    Raises:
        StudyExists: there is one of this name.
        CohortNotFound, SegmenterUnknown: it names what is not there.
        StudyRefused: two of its names are one segmenter's.
    """
    row = connection.execute(
        """
        INSERT INTO studies (name, title, description, presentation, is_blinded, seed, anchors, tissue_types,
                             adjudication_delta, created_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name) DO NOTHING RETURNING id
        """,
        [
            plan.name,
            plan.title,
            plan.description,
            plan.presentation,
            plan.is_blinded,
            plan.seed,
            Jsonb(dict(plan.anchors)),
            list(plan.tissue_types),
            plan.adjudication_delta,
            actor,
        ],
    ).fetchone()
    if row is None:
        raise StudyExists(plan.name)
    _set_content(connection, row["id"], plan)
    _set_questions(connection, row["id"], plan.questions)
    study = find_study(connection, plan.name)
    outputs = pin_outputs(connection, study)
    details = {"cohorts": plan.cohorts, "segmenters": plan.segmenters, "seed": plan.seed, **outputs.details()}
    record_action(connection, actor=actor, action="create", subject=f"study {plan.name}", details=details)
    return study


def _set_content(connection: Connection, study_id: int, plan: StudyPlan) -> None:
    cohort_ids = [find_cohort(connection, name).id for name in plan.cohorts]
    segmenter_ids = [find_segmenters(connection, [name])[0].id for name in plan.segmenters]
    if len(set(segmenter_ids)) != len(segmenter_ids) or len(set(cohort_ids)) != len(cohort_ids):
        raise StudyRefused("it names a cohort or a segmenter twice")
    for table in ("outputs", "study_rois", "study_segmenters", "study_cohorts"):
        connection.execute(f"DELETE FROM {table} WHERE study_id = %s", [study_id])  # noqa: S608 — named just above
    connection.execute(
        "INSERT INTO study_cohorts (study_id, cohort_id) SELECT %s, unnest(%s::bigint[])", [study_id, cohort_ids]
    )
    connection.execute(
        """
        INSERT INTO study_segmenters (study_id, number, segmenter_id)
        SELECT %s, number, id FROM unnest(%s::int[]) WITH ORDINALITY AS named (id, number)
        """,
        [study_id, segmenter_ids],
    )


def _set_questions(connection: Connection, study_id: int, questions: Sequence[Question]) -> None:
    connection.execute("DELETE FROM study_questions WHERE study_id = %s", [study_id])
    connection.cursor().executemany(
        """
        INSERT INTO study_questions (study_id, number, kind, prompt, options, is_required, tissue_type)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        [
            [study_id, each.number, each.kind, each.prompt, Jsonb(each.options), each.is_required, each.tissue_type]
            for each in questions
        ],
    )


_ALWAYS = {"title", "description"}
_CONTENT = {"cohorts", "segmenters", "tissue_types"}


def change_study(connection: Connection, study: Study, changes: Mapping[str, Any], *, actor: str) -> Study:
    """Changes a study, `changes` by name of what `StudyPlan` has; audited.

    Raises:
        StudyClosed: more than its title or description is to change, and it is no draft any more, or has assignments.
        StudyRefused: it could not be as it is wanted.
        CohortNotFound, SegmenterUnknown: it names what is not there.
    """
    study = lock_study(connection, study)
    _refuse_late(connection, study, changes)
    plan = _replanned(connection, study, changes)
    connection.execute(
        """
        UPDATE studies SET title = %s, description = %s, presentation = %s, is_blinded = %s, seed = %s, anchors = %s,
            tissue_types = %s, adjudication_delta = %s WHERE id = %s
        """,
        [
            plan.title,
            plan.description,
            plan.presentation,
            plan.is_blinded,
            plan.seed,
            Jsonb(dict(plan.anchors)),
            list(plan.tissue_types),
            plan.adjudication_delta,
            study.id,
        ],
    )
    changed = find_study(connection, study.name)
    if changes.keys() & _CONTENT:
        _set_content(connection, study.id, plan)
        pin_outputs(connection, changed)
    if "questions" in changes:
        _set_questions(connection, study.id, plan.questions)
    details = {"changed": sorted(changes)}
    record_action(connection, actor=actor, action="change", subject=f"study {study.name}", details=details)
    return changed


def _refuse_late(connection: Connection, study: Study, changes: Mapping[str, Any]) -> None:
    if not changes.keys() - _ALWAYS:
        return
    if study.state is not StudyState.DRAFT:
        raise StudyClosed(f"it is {study.state}, and but for its title and description only a draft changes")
    assigned = connection.execute("SELECT 1 FROM assignments WHERE study_id = %s LIMIT 1", [study.id]).fetchone()
    if assigned:
        raise StudyClosed("cases of it are assigned already; release them first")


def _replanned(connection: Connection, study: Study, changes: Mapping[str, Any]) -> StudyPlan:
    content = describe_study(connection, study)
    now: dict[str, Any] = {
        "name": study.name,
        "title": study.title,
        "description": study.description,
        "seed": study.seed,
        "cohorts": content.cohorts,
        "segmenters": tuple(f"{each.name}@{each.version}" for each in content.segmenters),
        "tissue_types": study.tissue_types,
        "questions": content.questions,
        "anchors": study.anchors,
        "presentation": study.presentation,
        "is_blinded": study.is_blinded,
        "adjudication_delta": study.adjudication_delta,
    }
    return StudyPlan(**{**now, **changes})


def step_study(connection: Connection, study: Study, change: StudyChange, *, actor: str) -> Study:
    """Takes a study to its next state; audited.

    Raises:
        StudyClosed: it is not in the state from which this step leads, or there is nothing in it to be scored.
    """
    study = lock_study(connection, study)
    after = state_after(study.state, change)
    if change is StudyChange.PUBLISH and describe_study(connection, study).outputs == 0:
        raise StudyClosed("none of its segmenters has a class map of its cohorts yet; wait for them, then refresh it")
    connection.execute(
        "UPDATE studies SET state = %s, frozen_at = coalesce(frozen_at, now()) WHERE id = %s", [after, study.id]
    )
    record_action(connection, actor=actor, action=change, subject=f"study {study.name}")
    return find_study(connection, study.name)
