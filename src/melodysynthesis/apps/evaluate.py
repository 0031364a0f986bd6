"""`melody evaluate`: how well a model predicts tunes, compared with baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melodysynthesis.apps import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from melodysynthesis.encodings import Encoding, Ids
    from melodysynthesis.evaluation.breakdown import NoteGroup
    from melodysynthesis.evaluation.prediction import Prediction
    from melodysynthesis.evaluation.report import Report
    from melodysynthesis.music import Melody
    from melodysynthesis.runtime.base import Engine


def command(
    *,
    model: Annotated[str, typer.Argument(help="A model's name, file or run folder.", metavar="MODEL")],
    corpus: Annotated[str, typer.Option(help="Corpus name, file or folder.", metavar="NAME|FOLDER")] = "essen-german",
    part: Annotated[str | None, typer.Option(help="Part to read of each file, by name or number.")] = None,
    split: Annotated[str, typer.Option(help="Split to predict: train, validation or test.")] = "test",
    text: Annotated[
        Path | None,
        typer.Option(help="Predict a grid text with delimiters instead, as the original study did.", metavar="FILE"),
    ] = None,
    train_text: Annotated[
        Path | None, typer.Option(help="With --text: the text to train the baselines on.", metavar="FILE")
    ] = None,
    window: Annotated[
        int, typer.Option(help="With --text: tokens seen before each; 0 carries the state.", min=0, max=4096)
    ] = 0,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Judge a constant rule, an n-gram and PPM too.")
    ] = True,
    order: Annotated[int, typer.Option(help="The n-gram's longest context, in tokens.", min=0, max=64)] = 16,
    out: Annotated[
        Path | None, typer.Option(help="Write figures, tables and plots into this folder.", metavar="FOLDER")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Write what each tune costs into this file, for score-predictions.", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Measure how well a model predicts a corpus: accuracy, loss, bits per note, with plots."""
    from melodysynthesis import corpora
    from melodysynthesis.errors import RequestError
    from melodysynthesis.evaluation import report as reports
    from melodysynthesis.evaluation.breakdown import NoteGroup
    from melodysynthesis.evaluation.predictions import predictions_text
    from melodysynthesis.formats import files
    from melodysynthesis.runtime.loading import open_model

    if text is None and (train_text is not None or window):
        raise RequestError("--train-text and --window go with --text")
    if text is not None and part is not None:
        raise RequestError("--part goes with --corpus: a grid text has no parts")
    if text is not None and predictions is not None:
        raise RequestError("--predictions goes with --corpus: they are of its tunes")
    path, parts = Path(model), dict[str, list[NoteGroup]]()
    engine, _ = open_model(model)
    if text is not None:
        found, others = _evaluate_text(engine, text, train_text, window=window, baselines=baselines, order=order)
        data = text.name
    else:
        found, others, parts = _evaluate_corpus(engine, corpus, split, part=part, baselines=baselines, order=order)
        data = f"{corpus}, {split}"
    run = path if path.is_dir() else path.parent if path.is_file() else None
    history = reports.read_history(run / "history.jsonl") if run is not None else []
    name = path.resolve().name if path.is_dir() else path.stem if path.is_file() else model
    report = reports.Report(name, engine.card, data, found, others, history, parts)
    written = reports.write(report, out) if out is not None else []
    if predictions is not None:
        melodies = list(corpora.load(corpus, rules=corpora.Rules(part=part)).split(split))
        files.save(predictions, predictions_text(model, melodies, found).encode())
        written.append(predictions)
    if as_json:
        console.say_json(report.figures())
        return
    _print(report)
    for file in written:
        console.note(f"wrote {file}")


def _evaluate_corpus(
    engine: Engine, corpus: str, split: str, *, part: str | None, baselines: bool, order: int
) -> tuple[Prediction, dict[str, Prediction], dict[str, list[NoteGroup]]]:
    from melodysynthesis import corpora
    from melodysynthesis.evaluation.breakdown import breakdown
    from melodysynthesis.evaluation.evaluate import evaluate
    from melodysynthesis.runtime.ppm import train_ppm

    loaded = corpora.load(corpus, rules=corpora.Rules(part=part))
    melodies = list(loaded.split(split))

    def predicted(other: Engine, what: str) -> Prediction:
        total = len(melodies)
        with console.progress(f"{what} (tunes)", total) as advance:
            return evaluate(other, melodies, progress=lambda done, tokens: advance(done * total // tokens))

    found = predicted(engine, "model")
    parts = breakdown(found, melodies)
    if not baselines:
        return found, {}, parts
    sequences = _sequences(engine.encoding, list(loaded.split("train")))
    others = _baselines(sequences, engine.encoding, order) | {"PPM": train_ppm(sequences, engine.encoding)}
    return found, {name: predicted(other, name) for name, other in others.items()}, parts


def _evaluate_text(
    engine: Engine, text: Path, train_text: Path | None, *, window: int, baselines: bool, order: int
) -> tuple[Prediction, dict[str, Prediction]]:
    from melodysynthesis.evaluation.evaluate import evaluate_text

    ids = _ids_of(engine, text)

    def predicted(other: Engine, what: str) -> Prediction:
        with console.progress(f"{what} (tokens)", len(ids)) as advance:
            return evaluate_text(other, ids, window=window or None, progress=lambda done, _: advance(done))

    found = predicted(engine, "model")
    if not baselines or train_text is None:
        return found, {}
    others = _baselines([_ids_of(engine, train_text)], engine.encoding, order)
    return found, {name: predicted(other, name) for name, other in others.items()}


def _ids_of(engine: Engine, path: Path) -> Ids:
    from melodysynthesis.encodings import token_ids
    from melodysynthesis.errors import EncodingError, FormatError
    from melodysynthesis.formats import files

    if not engine.encoding.is_text:
        raise EncodingError(f"--text needs a model of the grid encoding; this one has {engine.encoding.name!r}")
    try:
        return token_ids(engine.encoding, files.load(path).decode().split())
    except (UnicodeDecodeError, EncodingError) as error:
        raise FormatError(f"not a grid text of this model's tokens: {error}", str(path)) from error


def _baselines(sequences: Sequence[Ids], encoding: Encoding, order: int) -> dict[str, Engine]:
    from melodysynthesis.runtime.constant import train_constant
    from melodysynthesis.runtime.ngram import train_ngram

    console.note(f"counting an n-gram of order {order} in {sum(map(len, sequences)):,} tokens ...")
    return {
        f"n-gram, order {order}": train_ngram(sequences, encoding, order),
        "constant rule": train_constant(sequences, encoding),
    }


def _sequences(encoding: Encoding, melodies: Sequence[Melody]) -> list[Ids]:
    from melodysynthesis.errors import EncodingError

    sequences = []
    for melody in melodies:
        try:
            sequences.append(encoding.encode(melody))
        except EncodingError:
            continue  # what can't be encoded can't be learned either; the evaluated split reports its own
    return sequences


def _print(report: Report) -> None:
    from melodysynthesis.evaluation.report import breakdown_table, comparison

    found = report.found
    notes = f"{found.notes.sum():,} notes, {found.tokens.sum():,} tokens"
    console.say(f"{report.model} on {report.data}: {len(found.sources):,} tunes, {notes}; {found.protocol}\n")
    _table(comparison(report))
    for name, parts in report.parts.items():
        console.say()
        _table(breakdown_table(f"by {name}", parts))
    if found.rejected:
        console.note(f"{len(found.rejected):,} tunes can't be written in this encoding; the first: {found.rejected[0]}")


def _table(rows: Sequence[Sequence[str]]) -> None:
    console.say_table(rows, right=range(1, len(rows[0])))
