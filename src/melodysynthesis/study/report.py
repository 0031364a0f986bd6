"""The report of a study: one HTML page that needs nothing else, and Markdown with its pictures beside it."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from melodysynthesis.errors import RequestError
from melodysynthesis.formats import files, render
from melodysynthesis.music import Melody
from melodysynthesis.study import charts
from melodysynthesis.study.findings import Findings
from melodysynthesis.study.page import Chart, Score, Section, Table, facts, sections
from melodysynthesis.study.verdict import Paragraph, verdict

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"
TITLE = "Which model writes melodies as people do?"
SAMPLE_RATE = 24_000
"""Of the sound in the page: half of the renderer's, which is enough for a piano."""
IMAGES = "images"


def write(folder: Path, out: Path) -> list[Path]:
    """Write ``report.html``, ``report.md`` and its pictures, each whole or not at all; their paths.

    Raises:
        RequestError: if there is no study in the folder, nothing is done yet, or `out` can't be made.
        FormatError: if a file of the study is damaged, or one can't be written.
    """
    found = Findings(folder)
    told, parts = verdict(found), sections(found)
    try:
        (out / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{out}: the folder can't be made: {error.strerror}") from None
    contents = {"report.html": page(found, told, parts).encode(), "report.md": markdown(found, told, parts).encode()}
    contents |= {f"{IMAGES}/{name}": data for name, data in _pictures(parts)}
    for name, data in contents.items():
        files.save(out / name, data)
    return [out / name for name in contents if "/" not in name]


def page(found: Findings, told: Sequence[Paragraph], parts: Sequence[Section]) -> str:
    """The HTML page."""
    from jinja2 import Environment, StrictUndefined

    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=TITLE, plan=found.plan, lead=_lead(found), facts=list(facts(found)), verdict=told,
        licence=_licence(found), sections=[_shown(section) for section in parts], command=_command(found),
        colours=charts.COLOURS, drawing=charts.DRAWING,
    )  # fmt: skip


def markdown(found: Findings, told: Sequence[Paragraph], parts: Sequence[Section]) -> str:
    """The same as Markdown, with links to the pictures."""
    lines = [f"# {TITLE}", "", _lead(found), "", "## The verdict", ""]
    lines += [f"- **{paragraph.question}** {' '.join(paragraph.sentences)}" for paragraph in told]
    for section in parts:
        lines += ["", f"## {section.title}", "", section.text, ""]
        for part in section.parts:
            if isinstance(part, Table):
                lines += [*_markdown_table(part), "", part.caption, ""]
            elif isinstance(part, Chart):
                lines += [f"![{part.caption}]({IMAGES}/{part.name}.svg)", "", part.caption, ""]
            else:
                for number, score in enumerate(part.scores, 1):
                    lines += [
                        f"**{score.title}**, {score.about}",
                        "",
                        f"![{score.title}]({IMAGES}/score-{number}.svg)",
                        "",
                    ]
    lines += ["## Do it again", "", "```bash", _command(found), "```", "", _licence(found), ""]
    return "\n".join(lines)


def _markdown_table(table: Table) -> list[str]:
    rows = [[f"{cell.text} ({cell.small})" if cell.small else cell.text for cell in row.cells] for row in table.rows]
    header = [list(table.header), ["---", *["---:"] * (len(table.header) - 1)]]
    return ["| " + " | ".join(cells) + " |" for cells in (*header, *rows)]


def _pictures(parts: Sequence[Section]) -> Iterator[tuple[str, bytes]]:
    for section in parts:
        for part in section.parts:
            if isinstance(part, Chart):
                yield f"{part.name}.svg", charts.alone(part.svg).encode()
            elif not isinstance(part, Table):
                for number, score in enumerate(part.scores, 1):
                    yield f"score-{number}.svg", render.svg(score.melody)


def _shown(section: Section) -> dict[str, Any]:
    """A section for the template, its scores as pictures and sound that the page carries along."""
    parts: list[Any] = [
        part if isinstance(part, Table | Chart)
        else {"kind": part.kind, "scores": [_seen_and_heard(score) for score in part.scores]}
        for part in section.parts
    ]  # fmt: skip
    return {"anchor": section.anchor, "title": section.title, "text": section.text, "parts": parts}


def _seen_and_heard(score: Score) -> dict[str, str]:
    image, sound = render.svg(score.melody), mp3(score.melody)
    return {
        "title": score.title,
        "about": score.about,
        "image": f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}",
        "sound": f"data:audio/mpeg;base64,{base64.b64encode(sound).decode()}",
    }


def mp3(melody: Melody) -> bytes:
    """A melody as MP3, one channel of 24 kHz, some 60 kB for sixteen bars."""
    import soundfile

    with wave.open(io.BytesIO(render.wav(melody))) as reader:
        rate, channels = reader.getframerate(), reader.getnchannels()
        samples = np.frombuffer(reader.readframes(reader.getnframes()), np.int16)
    mono = samples.reshape(-1, channels).mean(axis=1) / 2**15
    step = rate // SAMPLE_RATE
    halved = mono[: len(mono) // step * step].reshape(-1, step).mean(axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, halved, SAMPLE_RATE, format="MP3", compression_level=0.9)
    return buffer.getvalue()


def _lead(found: Findings) -> str:
    plan = found.plan
    count = len({entrant.model for entrant in found.entrants})
    models = "model" if count == 1 else "models and baselines"
    return (
        f"{count} {models} on {plan.corpus}, each with the same tokens to learn from, judged on tunes that no "
        "tune family shares with the training set, beside people's own melodies."
    )


def _command(found: Findings) -> str:
    return f"melody study run {found.plan.name} --out FOLDER\nmelody study report FOLDER"


def _licence(found: Findings) -> str:
    from melodysynthesis.training.data import licence_of

    return f"The models learned from, and are compared with, {licence_of(found.plan.corpus)}."
