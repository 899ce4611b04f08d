"""Two readings that are completed at the same moment open the adjudication that neither could open alone."""

import threading
from collections.abc import Callable

from pantile.catalog import assignments
from pantile.catalog.accounts import create_account
from pantile.catalog.adjudications import count_adjudications, open_adjudications
from pantile.catalog.assignments import AssignmentAsk
from pantile.catalog.database import Database
from pantile.catalog.study_members import set_member
from pantile.domain.access import Role
from pantile.domain.readings import Purpose
from pantile.domain.studies import Study, StudyRole

MakeStudy = Callable[..., Study]


def _read(database: Database, study: Study, rater: str, purpose: Purpose, value: int) -> int:
    """A rater with the one ROI of a cohort, all of it scored, and not done yet; gives the ROI."""
    with database.transaction() as connection:
        account = create_account(connection, rater, role=Role.RATER, password_hash="x", actor="test")
        set_member(connection, study, rater, StudyRole.RATER, actor="test")
        ask = AssignmentAsk(rater=rater, purpose=purpose, cohorts=("TCGA-SKCM",))
        plan = assignments.assign(connection, study, ask, actor="test")
        connection.execute(
            """
            INSERT INTO scores (assignment_id, output_id, value, is_complete, version)
            SELECT a.id, o.id, %s, true, 1 FROM assignments a JOIN outputs o ON o.roi_id = a.roi_id
            WHERE a.account_id = %s
            """,
            [value, account.id],
        )
    return plan.cases[0].roi.roi_id


def _complete(database: Database, study: Study, rater: str, roi_id: int, meeting: threading.Barrier) -> None:
    with database.transaction() as connection:
        connection.execute(
            """
            UPDATE assignments a SET state = 'done', completed_at = now() FROM accounts c
            WHERE c.id = a.account_id AND c.name = %s
            """,
            [rater],
        )
        meeting.wait(10)
        open_adjudications(connection, study.id, roi_id=roi_id)


def test_of_two_readings_completed_at_once_the_later_sees_the_earlier(
    database: Database, make_study: MakeStudy
) -> None:
    """Check 38."""
    study = make_study(rois=2, missing=0)
    roi_id = _read(database, study, "r1", Purpose.PRIMARY, 9)
    _read(database, study, "r2", Purpose.SECOND, 3)
    meeting = threading.Barrier(2)
    completions = [
        threading.Thread(target=_complete, args=(database, study, rater, roi_id, meeting)) for rater in ("r1", "r2")
    ]

    for completion in completions:
        completion.start()
    for completion in completions:
        completion.join()

    with database.transaction() as connection:
        assert count_adjudications(connection, study.id) == {"open": 5, "signed": 0}
