"""Directives of the documentation that are made from the package itself, so that they are always true.

`melody`        runs a `melody generate`, `fill` or `vary` command and shows the command with the score that it writes
`melody-help`   the `--help` of a verb
`model-cards`   a table of the models that ship, from their cards
`rule-scores`   for each rule its guarantee, its flag, and the score of a melody that keeps it

A command that fails ends the build.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import melodysynthesis as ms
from melodysynthesis import formats
from melodysynthesis.constraints.rules import RULES

SEED = 5
"""Of the melodies that show the rules."""


def run(arguments: list[str], folder: Path | None = None) -> str:
    """What the `melody` command prints.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    command = [sys.executable, "-m", "melodysynthesis", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def scalable(svg: str) -> str:
    """The same picture with a view box, so that a browser can draw it in another size."""
    return re.sub(r'<svg width="([0-9.]+)(?:px)?" height="([0-9.]+)(?:px)?"', r'<svg viewBox="0 0 \1 \2"', svg, count=1)


class Melody(SphinxDirective):
    """A command and the score that it writes. The command stands in the argument; `--format svg` is added."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The command as text, then the score."""
        command = " ".join(self.arguments[0].split())
        with tempfile.TemporaryDirectory() as folder:
            run([*shlex.split(command)[1:], "--format", "svg", "--out", folder, "--quiet"])
            scores = [scalable(path.read_text("utf-8")) for path in sorted(Path(folder).glob("*.svg"))]
        shown: list[nodes.Node] = [nodes.literal_block(command, command, language="bash")]
        return shown + [nodes.raw("", f'<div class="score">{svg}</div>', format="html") for svg in scores]


class MelodyHelp(SphinxDirective):
    """The `--help` of a verb, such as `generate` or `corpus build`."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The help as it is printed."""
        text = run([*self.arguments[0].split(), "--help"])
        return [nodes.literal_block(text, text, language="text")]


class ModelCards(SphinxDirective):
    """The models that ship."""

    def run(self) -> list[nodes.Node]:
        """What `melody models` prints."""
        text = run(["models"])
        return [nodes.literal_block(text, text, language="text")]


class RuleScores(SphinxDirective):
    """A passage for each rule: its guarantee, the command with its flag, and the score of what that writes."""

    def run(self) -> list[nodes.Node]:
        """The passages, in the order of the table of rules."""
        shown: list[nodes.Node] = []
        for rule in RULES.values():
            values = {field.name: field.example for field in rule.fields}
            meter = "5/4" if "grouping" in values else "4/4"
            bars = 16 if "phrases" in values else 8
            (melody,) = ms.generate(key="G major", meter=meter, bars=bars, seed=SEED, **values)
            flags = " ".join(field.flag for field in rule.fields)
            command = f'melody generate --key "G major" --meter {meter} --bars {bars} --seed {SEED} {flags}'
            svg = scalable(formats.to_bytes(melody, "svg").decode())
            shown += [
                nodes.rubric(rule.label, rule.label[0].upper() + rule.label[1:]),
                *self.parse_text_to_nodes(" ".join(field.guarantee for field in rule.fields)),
                nodes.literal_block(command, command, language="bash"),
                nodes.raw("", f'<div class="score">{svg}</div>', format="html"),
            ]
        return shown


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("melody", Melody)
    app.add_directive("melody-help", MelodyHelp)
    app.add_directive("model-cards", ModelCards)
    app.add_directive("rule-scores", RuleScores)
    return {"version": "1", "parallel_read_safe": True}
