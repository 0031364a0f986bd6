"""The report of a study: one self-contained HTML page, and Markdown with its pictures in files."""

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
from melodysynthesis.study import plots
from melodysynthesis.study.aggregate import StudyResults
from melodysynthesis.study.report_parts import Chart, MelodyExample, ReportSection, ReportTable
from melodysynthesis.study.sections import facts, sections
from melodysynthesis.study.summary import Paragraph, summary

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"
TITLE = "Which model writes the most human melodies?"
SAMPLE_RATE = 24_000
"""Of the sound in the page: half of the renderer's, which is enough for a piano."""
IMAGES = "images"


def write(folder: Path, out: Path) -> list[Path]:
    """Write ``report.html``, ``report.md`` and its pictures, each whole or not at all; their paths.

    Raises:
        RequestError: if there is no study in the folder, nothing is done yet, or `out` can't be made.
        FormatError: if a file of the study is damaged, or one can't be written.
    """
    found = StudyResults(folder)
    answers, parts = summary(found), sections(found)
    try:
        (out / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{out}: the folder can't be made: {error.strerror}") from None
    contents = {
        "report.html": page(found, answers, parts).encode(),
        "report.md": markdown(found, answers, parts).encode(),
        **{f"{IMAGES}/{name}": data for name, data in _pictures(parts)},
    }
    for name, data in contents.items():
        files.save(out / name, data)
    return [out / name for name in contents if "/" not in name]


def page(found: StudyResults, answers: Sequence[Paragraph], parts: Sequence[ReportSection]) -> str:
    """The HTML page."""
    from jinja2 import Environment, StrictUndefined

    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=TITLE, plan=found.plan, lead=_lead(found), facts=list(facts(found)), answers=answers,
        licence=_licence(found), sections=[_for_page(section) for section in parts], command=_command(found),
        colours=plots.page_colours(),
    )  # fmt: skip


def markdown(found: StudyResults, answers: Sequence[Paragraph], parts: Sequence[ReportSection]) -> str:
    """The same as Markdown, with links to the pictures."""
    lines = [f"# {TITLE}", "", _lead(found), "", "## Summary", ""]
    lines += [f"- **{paragraph.question}** {' '.join(paragraph.sentences)}" for paragraph in answers]
    for section in parts:
        lines += ["", f"## {section.title}", "", section.text, ""]
        for part in section.parts:
            if isinstance(part, ReportTable):
                lines += [*_markdown_table(part), "", part.caption, ""]
            elif isinstance(part, Chart):
                lines += [f"![{part.caption}]({IMAGES}/{part.name}.svg)", "", part.caption, ""]
            else:
                for number, example in enumerate(part.examples, 1):
                    picture = f"![{example.title}]({IMAGES}/score-{number}.svg)"
                    lines += [f"**{example.title}**, {example.about}", "", picture, ""]
    lines += ["## How to repeat it", "", "```bash", _command(found), "```", "", _licence(found), ""]
    return "\n".join(lines)


def _markdown_table(table: ReportTable) -> list[str]:
    rows = [[f"{cell.text} ({cell.small})" if cell.small else cell.text for cell in row.cells] for row in table.rows]
    header = [list(table.header), ["---", *["---:"] * (len(table.header) - 1)]]
    return ["| " + " | ".join(cells) + " |" for cells in (*header, *rows)]


def _pictures(parts: Sequence[ReportSection]) -> Iterator[tuple[str, bytes]]:
    for section in parts:
        for part in section.parts:
            if isinstance(part, Chart):
                yield f"{part.name}.svg", part.svg.encode()
            elif not isinstance(part, ReportTable):
                for number, example in enumerate(part.examples, 1):
                    yield f"score-{number}.svg", render.svg(example.melody)


def _for_page(section: ReportSection) -> dict[str, Any]:
    """A section for the template: charts take the page's colours, examples become pictures and sound."""
    parts: list[Any] = []
    for part in section.parts:
        if isinstance(part, Chart):
            parts.append({"kind": part.kind, "svg": plots.inline(part.svg), "caption": part.caption})
        elif isinstance(part, ReportTable):
            parts.append(part)
        else:
            parts.append({"kind": part.kind, "examples": [_picture_and_sound(example) for example in part.examples]})
    return {"anchor": section.anchor, "title": section.title, "text": section.text, "parts": parts}


def _picture_and_sound(example: MelodyExample) -> dict[str, str]:
    image, sound = render.svg(example.melody), mp3(example.melody)
    return {
        "title": example.title,
        "about": example.about,
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


def _lead(found: StudyResults) -> str:
    count = len({entrant.model for entrant in found.entrants})
    models = "One model" if count == 1 else f"{count} models and baselines"
    return (
        f"{models} learned from the same number of tokens of {found.plan.corpus}. They are evaluated on tunes of which "
        "no variant is in the training set, and their melodies are compared with human ones."
    )


def _command(found: StudyResults) -> str:
    return f"melody study run {found.plan.name} --out FOLDER\nmelody study report FOLDER"


def _licence(found: StudyResults) -> str:
    from melodysynthesis.training.data import licence_of

    return f"The models learned from, and are compared with, {licence_of(found.plan.corpus)}."
