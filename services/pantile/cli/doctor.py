"""`pantile doctor`: a line for everything that Pantile needs, and what to do about what is not well."""

import typer

from pantile.cli.reaching import server_settings
from pantile.cli.screen import complain, count, remark, say
from pantile.domain.findings import Verdict

app = typer.Typer(rich_markup_mode="markdown")

EXIT_FAULT = 1

_SAY = {Verdict.WELL: say, Verdict.WARNING: remark, Verdict.FAULT: complain}


@app.command()
def doctor() -> None:
    """Look at PostgreSQL, its schema, Redis, the bucket and its rights, clocks, versions, workers, disk, memory, GPU.

    It talks to the servers itself, with the settings of a worker or of the web service. Warnings and faults go to
    standard error, with what to do about each. It ends with 1 where there is a fault.
    """
    from pantile.coordinator.doctor import examine  # noqa: PLC0415 — psycopg, boto3 and Celery only where they are used

    found: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
    for finding in examine(server_settings()):
        found[finding.verdict] += 1
        line = f"{finding.verdict:<8} {finding.subject:<26} {finding.seen.removesuffix('.')}"
        _SAY[finding.verdict](f"{line}. {finding.remedy}" if finding.remedy else line)
    say(f"{count(found[Verdict.FAULT], 'fault')}, {count(found[Verdict.WARNING], 'warning')}.")
    if found[Verdict.FAULT]:
        raise typer.Exit(EXIT_FAULT)
