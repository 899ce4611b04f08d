"""`pantile studies`: set up, assigned, and taken from state to state; what comes of them is in `study_figures`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from pantile.cli.reaching import Api, open_studies
from pantile.cli.screen import count, say, show_table
from pantile.cli.study_figures import agreement, export, import_, plan, progress, verify
from pantile.domain.errors import FileRefused
from pantile.domain.readings import Purpose
from pantile.domain.rois import TissueType
from pantile.domain.studies import StudyChange, StudyRole
from pantile.schemas.assignments import AssignIn, ReassignIn
from pantile.schemas.studies import QuestionIn, StudyIn, StudyOut

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Set up studies, assign cases, follow and export scores."
)

Name = Annotated[str, typer.Argument(help="The study's name.")]
Rater = Annotated[str, typer.Argument(help="The name of the rater's account.")]
AskPassword = Annotated[
    bool, typer.Option("--ask-password", help="Ask for your account's password; a token without an account has none.")
]


@app.command("list")
def list_studies(*, api: Api = "") -> None:
    """List the studies that you are in; admins see all."""
    with open_studies(api) as client:
        studies = client.studies()
    if not studies:
        say("There is no study yet; `pantile studies create` makes one.")
        return
    rows = [(each.name, each.title, each.state, each.role, f"{each.done} of {each.assigned}") for each in studies]
    show_table(("name", "title", "state", "your role", "your cases"), rows)


@app.command()
def show(name: Name, *, api: Api = "") -> None:
    """Show a study, what is in it and who."""
    with open_studies(api) as client:
        study = client.study(name)
        members = client.members(name) if study.role is StudyRole.ADMIN else []
    _say_study(study)
    if members:
        show_table(("member", "role"), [(each.account, each.role) for each in members])


@app.command()
def create(
    name: Name,
    *,
    title: Annotated[str, typer.Option(help="What people read above their cases.")],
    cohort: Annotated[list[str], typer.Option(help="Whose ROIs are scored; may be given more than once.")],
    segmenter: Annotated[
        list[str], typer.Option(help="Whose class maps are scored, by name or name@version; the first is model1.")
    ],
    tissue_type: Annotated[list[TissueType], typer.Option(help="Only ROIs of it.", show_default=False)] = [],  # noqa: B006 — typer copies it
    seed: Annotated[int | None, typer.Option(min=0, help="Of all that is drawn by lot.", show_default=False)] = None,
    questions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other questions than the score, as JSON.", show_default=False)
    ] = None,
    unblinded: Annotated[bool, typer.Option(help="Tell raters which segmenter each output is of.")] = False,
    api: Api = "",
) -> None:
    """Make a study, as a draft; `publish` opens it."""
    wanted = StudyIn(
        name=name,
        title=title,
        cohorts=cohort,
        segmenters=segmenter,
        tissue_types=tissue_type or list(TissueType),
        seed=seed,
        questions=_read_questions(questions) if questions else None,
        is_blinded=not unblinded,
    )
    with open_studies(api) as client:
        _say_study(client.create_study(wanted))


def _read_questions(path: Path) -> list[QuestionIn]:
    try:
        return TypeAdapter(list[QuestionIn]).validate_python(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileRefused(f"{path}, {place}: {first['msg']}") from error
    except ValueError as error:
        raise FileRefused(f"{path} is not JSON: {error}") from error


@app.command()
def member(name: Name, account: Rater, role: Annotated[StudyRole, typer.Argument()], *, api: Api = "") -> None:
    """Take an account into a study, or give it another role there."""
    with open_studies(api) as client:
        made = client.set_member(name, account, role)
    say(f"{made.account} is {made.role} in {name}.")


@app.command()
def refresh(name: Name, *, api: Api = "") -> None:
    """Add the ROIs and class maps that came since; what is assigned stays as it is."""
    with open_studies(api) as client:
        told = client.refresh_study(name)
    say(
        f"{count(told.rois_added, 'ROI')} and {count(told.outputs_added, 'output')} added, {told.outputs_filled} have "
        f"their class map now, {told.outputs_missing} have none."
    )


@app.command()
def assign(
    name: Name,
    rater: Rater,
    *,
    purpose: Annotated[Purpose, typer.Option(help="Why they read.")] = Purpose.PRIMARY,
    n: Annotated[int | None, typer.Option(min=1, help="ROIs in all, in proportion to the strata.")] = None,
    n_per_stratum: Annotated[int | None, typer.Option(min=1, help="ROIs of each stratum.")] = None,
    cohort: Annotated[list[str], typer.Option(help="Only ROIs of it.", show_default=False)] = [],  # noqa: B006 — typer copies it
    tissue_type: Annotated[list[TissueType], typer.Option(help="Only ROIs of it.", show_default=False)] = [],  # noqa: B006
    seed: Annotated[int | None, typer.Option(min=0, help="Draws the same as before.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option(help="Only show what would be assigned.")] = False,
    api: Api = "",
) -> None:
    """Assign cases to a rater, all of them or a subset drawn from strata of cohort, tissue type and score band."""
    if n is not None and n_per_stratum is not None:
        raise typer.BadParameter("--n and --n-per-stratum exclude each other")
    wanted = AssignIn(
        rater=rater,
        purpose=purpose,
        cohorts=cohort,
        tissue_types=tissue_type,
        n=n,
        n_per_stratum=n_per_stratum,
        seed=seed,
        dry_run=dry_run,
    )
    with open_studies(api) as client:
        told = client.assign(name, wanted)
    rows = [(each.cohort, each.tissue_type, each.band, each.available, each.chosen) for each in told.strata]
    show_table(("cohort", "tissue type", "scored", "available", "chosen"), rows)
    already = f"; {rater} has {told.already} more of them already" if told.already else ""
    say(f"{count(told.assigned, 'case')} {'would be' if dry_run else 'are'} assigned to {rater}{already}.")


@app.command()
def reassign(name: Name, giver: Rater, taker: Rater, *, api: Api = "") -> None:
    """Give the cases that a rater has not begun to another."""
    with open_studies(api) as client:
        told = client.reassign(name, ReassignIn.model_validate({"from": giver, "to": taker}))
    kept = f"; {told.kept} stay, as {taker} has their ROI already" if told.kept else ""
    say(f"{count(told.moved, 'case')} went from {giver} to {taker}{kept}.")


@app.command()
def release(name: Name, rater: Rater, *, api: Api = "") -> None:
    """Take back the cases that a rater has not begun."""
    with open_studies(api) as client:
        told = client.release(name, rater)
    say(f"{count(told.released, 'case')} of {rater} can be assigned again.")


@app.command()
def publish(name: Name, *, api: Api = "") -> None:
    """Open a draft for scoring; its questions and segmenters stay as they are from then on."""
    _step(name, StudyChange.PUBLISH, api, ask_password=False)


@app.command()
def lock(name: Name, *, ask_password: AskPassword = False, api: Api = "") -> None:
    """Close a study: nothing in it is scored or adjudicated any more."""
    _step(name, StudyChange.LOCK, api, ask_password=ask_password)


@app.command()
def unlock(name: Name, *, ask_password: AskPassword = False, api: Api = "") -> None:
    """Open a locked study for scoring again."""
    _step(name, StudyChange.UNLOCK, api, ask_password=ask_password)


@app.command()
def unblind(name: Name, *, ask_password: AskPassword = False, api: Api = "") -> None:
    """Show the segmenters' names and all scores to all members of a locked study, for good."""
    _step(name, StudyChange.UNBLIND, api, ask_password=ask_password)


def _step(name: str, change: StudyChange, api: str, *, ask_password: bool) -> None:
    password = _read_password() if ask_password else ""
    with open_studies(api) as client:
        study = client.step_study(name, change, password=password)
    say(f"{study.name} is {study.state}.")


def _read_password() -> str:
    """Asked for on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Your password", hide_input=True))
    return sys.stdin.readline().rstrip("\r\n")


def _say_study(study: StudyOut) -> None:
    say(f"{study.name}: {study.title}")
    segmenters = ", ".join(f"{each.number} {each.name}@{each.version}" for each in study.segmenters or ())
    rows = [
        ("state", study.state),
        ("cohorts", ", ".join(study.cohorts)),
        ("segmenters", segmenters or "not shown while the study is blinded"),
        ("ROIs", f"{study.rois:,}"),
        ("outputs", f"{study.outputs:,}, {study.outputs_missing:,} missing"),
        ("questions", "; ".join(f"{each.number} {each.prompt} ({each.kind})" for each in study.questions)),
        ("seed", "-" if study.seed is None else study.seed),
        ("adjudicated from", f"a difference of {study.adjudication_delta}"),
    ]
    show_table(("", ""), rows)


for _command, _name in (
    (progress, "progress"),
    (agreement, "agreement"),
    (plan, "plan"),
    (export, "export"),
    (import_, "import"),
    (verify, "verify"),
):
    app.command(_name)(_command)
