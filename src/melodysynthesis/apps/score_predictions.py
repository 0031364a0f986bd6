"""`melody score-predictions`: any program's predictions of held-out tunes, scored and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis.apps import console


def command(
    *,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of predictions; the first is compared with the others.", metavar="FILES"),
    ] = None,
    corpus: Annotated[str, typer.Option(help="Corpus name, file or folder.", metavar="NAME|FOLDER")] = "essen-german",
    split: Annotated[str, typer.Option(help="Split to predict: train, validation or test.")] = "test",
    tunes: Annotated[
        Path | None, typer.Option(help="Write the tunes to predict into this file instead.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Score predictions of held-out tunes, by any program, in bits per note with intervals."""
    from melodysynthesis import corpora
    from melodysynthesis.errors import RequestError
    from melodysynthesis.evaluation.predictions import read_predictions, tunes_text
    from melodysynthesis.formats import files

    if (tunes is None) == (not paths):
        raise RequestError("give files of predictions to score, or --tunes FILE to write the tunes to predict")
    melodies = list(corpora.load(corpus).split(split))
    if tunes is not None:
        files.save(tunes, tunes_text(melodies).encode())
        console.note(f"wrote {len(melodies):,} tunes to {tunes}")
        return
    scored = [read_predictions(path, melodies) for path in paths or ()]
    if as_json:
        console.say_json(
            [
                {
                    "model": one.model,
                    "tunes": len(one.bits),
                    "notes": int(one.notes.sum()),
                    "bits per note": one.bits_per_note().figures(),
                    **({"first less this": scored[0].less(one).figures()} if number else {}),
                }
                for number, one in enumerate(scored)
            ]
        )
        return
    rows = [[f"{corpus}, {split}: {len(melodies):,} tunes", "bits per note", "the first less this"]]
    for number, one in enumerate(scored):
        rows.append([one.model, str(one.bits_per_note()), str(scored[0].less(one).difference) if number else ""])
    console.say_table(rows, right=range(1, 3))
