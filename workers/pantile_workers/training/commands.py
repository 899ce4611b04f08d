"""`pantile train`: a segmenter out of images with class maps, here in the foreground or on the queue."""

import signal
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pantile.cli.reaching import Api, read_settings
from pantile.cli.screen import count, remark, say, show_table
from pantile.cli.segmenters import read_card
from pantile.domain.csv_text import write_csv
from pantile.domain.errors import FileRefused, TrainingRefused
from pantile.domain.splits import Part
from pantile.domain.sweeps import sweep_runs
from pantile.domain.training import Training
from pantile.domain.training_text import parse_training, place, training_from
from pantile_workers.cores import share_cores

if TYPE_CHECKING:
    import torch

    from pantile_workers.training.preparing import Prepared
    from pantile_workers.training.runs import RunFolder

EXIT_INTERRUPTED = 130


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; docs/training.md tells its keys.")],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where all of it goes; the segmenter's name otherwise.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from what DIR holds.")] = False,
    tissue: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the images are, in place of the file's own folder.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, say what would be done, and end.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Leave it to a train worker (`pantile trainings`).")] = False,
    api: Api = "",
) -> None:
    """Train a segmenter from images with class maps.

    DIR gets the settings as understood, metrics.csv, the last state, the best weights by Dice in validation, and at the
    end report.json, the checkpoint and its card. Ctrl-C keeps what is done; --resume goes on exactly from there.
    """
    share_cores()
    training = read_training(config)
    if tissue is not None:
        training = replace(training, tissue=replace(training.tissue, folder=str(tissue.resolve())))
    runs = sweep_runs(training)
    if queue:
        _send(runs, api)
    elif dry_run:
        _try_out(runs)
    else:
        again = f"pantile train {config}" + (f" --tissue {tissue}" if tissue else "")
        _train_all(runs, out or Path(training.card.name), again, resume=resume)


def read_training(config: Path) -> Training:
    """The training in a file, with paths from the file's own folder; raises `TrainingRefused`, `FileRefused`."""
    try:
        document = parse_training(config.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{config}, {getattr(error, 'strerror', None) or error}") from error
    card = document.get("card")
    if isinstance(card, str):
        document["card"] = _card_document(config.parent / card, card)
    return place(training_from(document), config.parent.resolve())


def _card_document(beside: Path, name: str) -> dict[str, Any]:
    """A card's document, from the file beside the training's, or one that ships with Pantile."""
    try:
        return tomllib.loads(read_card(str(beside) if beside.is_file() else name))
    except tomllib.TOMLDecodeError as error:
        raise TrainingRefused(f"the card {name} is not valid TOML, {error}") from error


def _send(runs: Mapping[str, Training], api: str) -> None:
    from pantile.cli.trainings import send_training  # noqa: PLC0415 — the client only where it is used

    for training in runs.values():
        send_training(training, api)
    say("A train worker does it where one runs: `pantile worker train`. `pantile trainings list` tells how it goes.")


def _try_out(runs: Mapping[str, Training]) -> None:
    from pantile_workers.training.preparing import prepare  # noqa: PLC0415 — torch only where it is used
    from pantile_workers.training.showing import Screen  # noqa: PLC0415

    for name, training in runs.items():
        with TemporaryDirectory(prefix="pantile-train-") as folder, Screen() as screen:
            prepared = prepare(training, Path(folder), on_image=screen.on_image)
        if name:
            say(f"\n{name}")
        _describe(training, prepared)


def _describe(training: Training, prepared: "Prepared") -> None:
    card, learning = training.card, training.learning
    weights = sum(parameter.numel() for parameter in prepared.start.network.parameters())
    say(f"{card.name} {card.version}: {card.architecture} with {card.encoder}, {weights / 1e6:.1f} million weights.")
    say(f"It starts from {prepared.start.origin}.")
    for part in Part:
        tissues = prepared.parts[part]
        cases = sorted({tissue.case for tissue in tissues})
        say(f"{part.capitalize()}: {count(len(tissues), 'image')} of {count(len(cases), 'case')} {_some(cases)}")
    names = [tissue.name for tissue in card.scheme.classes]
    show_table(
        ("class", "patches that show it", "pixels"),
        list(zip(names, prepared.index.by_class, prepared.class_pixels, strict=True)),
    )
    say(
        f"{count(learning.epochs, 'epoch')} of {count(prepared.steps, 'step')}, {training.batches.size} patches of "
        f"{training.patch_px} px at {card.model_mpp:g} mpp each."
    )


def _some(cases: list[str]) -> str:
    if not cases:
        return ""
    return f"({', '.join(cases[:5])}{', …' if len(cases) > 5 else ''})"


def _train_all(runs: Mapping[str, Training], out: Path, again: str, *, resume: bool) -> None:
    from pantile_workers.training.runs import RunFolder  # noqa: PLC0415 — torch only where it is used

    folders = {name: RunFolder(out / name) for name in runs}
    if not resume and (begun := [folder for folder in folders.values() if folder.has_begun or folder.is_finished]):
        raise TrainingRefused(f"{begun[0].path} holds a training; --resume goes on with it, --out names another folder")
    with _stop_on_signals() as stop:
        surroundings = _Surroundings(device=_pick_device(), stop=stop)
        for name, training in runs.items():
            if name:
                say(f"\n{name}")
            if not _train_one(training, folders[name], surroundings):
                remark(f"Stopped; what is done is kept. Go on with: {again} --out {out} --resume")
                raise typer.Exit(EXIT_INTERRUPTED)
    if len(runs) > 1:
        _compare(folders, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """Where trainings run, and what stops them."""

    device: "torch.device"
    stop: Event


def _pick_device() -> "torch.device":
    from pantile_workers.inference.devices import pick_device  # noqa: PLC0415 — torch only where it is used

    return pick_device(read_settings().device)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raises `FileRefused` for what the disk does not take."""
    try:
        yield
    except OSError as error:
        raise FileRefused(f"{error.filename or folder}, {error.strerror or error}") from error


def _train_one(training: Training, folder: "RunFolder", surroundings: _Surroundings) -> bool:
    from pantile_workers.training.runs import Run  # noqa: PLC0415 — torch only where it is used
    from pantile_workers.training.showing import Screen  # noqa: PLC0415

    if not folder.is_finished:
        with _writing(folder.path), Screen() as screen:
            run = Run(training, folder, device=surroundings.device, on_image=screen.on_image)
            _describe(training, run.prepared)
            if run.progress.step:
                say(f"Going on after {count(run.progress.step, 'step')}.")
            watcher = screen.follow(
                training.card, step=run.progress.step, steps=run.all_steps, epochs=training.learning.epochs
            )
            if not run.go_on(watcher, is_enough=surroundings.stop.is_set):
                return False
    _show_result(training, folder)
    return True


def _show_result(training: Training, folder: "RunFolder") -> None:
    report = folder.read_report()
    say(f"Best after epoch {report['best_epoch']}. Dice, in float32:")
    parts = [part for part in (Part.VALIDATION, Part.TEST) if part in report]
    names = [tissue.name for tissue in training.card.scheme.classes]
    rows = [(name, *(_dice(report[part]["dice"][name]) for part in parts)) for name in names]
    rows.append(("mean", *(_dice(report[part]["mean_dice"]) for part in parts)))
    show_table(("class", *parts), rows)
    checkpoint = folder.checkpoint(training.card)
    card = checkpoint.with_suffix(".toml")
    say(f"Wrote {checkpoint} and {card.name}; {folder.report.name} tells the rest. To register it:")
    say(f"pantile segmenters add {card} --checkpoint {checkpoint}")


def _dice(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _compare(folders: Mapping[str, "RunFolder"], out: Path) -> None:
    reports = {name: folder.read_report() for name, folder in folders.items()}
    best_first = sorted(reports, key=lambda name: reports[name]["validation"]["mean_dice"], reverse=True)
    columns = ("run", "mean_dice", "tumor_dice", "best_epoch", "seconds")
    rows = [
        (
            name,
            reports[name]["validation"]["mean_dice"],
            reports[name]["validation"]["tumor_dice"],
            reports[name]["best_epoch"],
            reports[name]["seconds"],
        )
        for name in best_first
    ]
    say("\nBest first, by the mean Dice in validation:")
    show_table(columns, [(name, _dice(mean), _dice(tumor), *rest) for name, mean, tumor, *rest in rows])
    (out / "sweep.csv").write_text(write_csv(columns, rows), "utf-8")
    say(f"Wrote {out / 'sweep.csv'}.")


@contextmanager
def _stop_on_signals() -> Iterator[Event]:
    """Set by the first Ctrl-C or SIGTERM, which so end a training after its step; the second ends the process."""
    stop = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        remark("Stopping after this step; once more to stop at once.")
        stop.set()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
