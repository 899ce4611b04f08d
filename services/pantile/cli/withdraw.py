"""`pantile withdraw`: all that shows the tissue of a case, slide or ROI removed, at once and for good."""

from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, remark, say, show_table
from pantile.schemas.withdrawals import WithdrawalIn, WithdrawalOut

app = typer.Typer()

EXIT_INCOMPLETE = 1

_FOLDERS = {
    "rois": "images of ROIs",
    "class-maps": "class maps",
    "confidence": "confidence maps",
    "overlays": "overlays",
    "pyramids": "pyramids",
    "ground-truth": "ground truth",
    "overviews": "overviews of slides",
    "reports": "reports of studies",
    "incoming": "uploads that are not checked yet",
}


@app.command()
def withdraw(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a case, a slide or an ROI.", show_default=False)],
    *,
    reason: Annotated[
        str, typer.Option(help="Stays in the audit log for good: no names of patients.", show_default=False)
    ],
    cohort: Annotated[
        str | None, typer.Option(help="The only cohort in which; otherwise in all.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    api: Api = "",
) -> None:
    """Withdraw a case, slide or ROI: for good, and at once.

    Its images, class maps, overlays, pyramids, ground truth and overviews are removed, but for what something else
    names as well. Its open jobs end. Cases of raters show as withdrawn, and their scores leave every table and figure;
    the rows, the history of the scores and a line in the audit log stay. Nothing of that name is taken in again.
    **There is no way back.** Files that are not Pantile's, such as the slides themselves, stay where they are.
    """
    wanted = WithdrawalIn(name=name, cohort=cohort, reason=reason, dry_run=True)
    with open_api(api) as client:
        plan = client.withdraw(wanted)
        _show(plan)
        if dry_run or not (plan.rois or plan.slides):
            return
        if not yes and not typer.confirm("Remove all this for good?"):
            say("Nothing was withdrawn.")
            raise typer.Exit(EXIT_INCOMPLETE)
        done = client.withdraw(wanted.model_copy(update={"dry_run": False}))
    removed = sum(done.objects.values())
    say(f"{name} is withdrawn: {count(removed - min(removed, done.objects_left), 'object')} removed.")
    if done.objects_left:
        remark(
            f"The object store did not answer: {count(done.objects_left, 'object')} left to the coordinator; "
            "nobody is shown anything of them."
        )
        raise typer.Exit(EXIT_INCOMPLETE)


def _show(plan: WithdrawalOut) -> None:
    facts = [
        ("cohorts", ", ".join(plan.cohorts)),
        ("cases", ", ".join(plan.cases)),
        ("slides", plan.slides),
        ("ROIs", plan.rois),
        ("jobs that end", plan.jobs_ended),
        ("readings of raters", plan.readings),
        *((_FOLDERS.get(folder, folder), number) for folder, number in sorted(plan.objects.items())),
        ("objects that stay, for others", plan.objects_spared),
    ]
    show_table(("", ""), [(label, fact) for label, fact in facts if fact])
    if not plan.rois and not plan.slides:
        say(f"{plan.name} is withdrawn already.")
