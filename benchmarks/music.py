"""Melodies that nobody would sing: their share over a grid of requests, beside people's; the ten worst as pictures.

    melody bench music -- [--requests 300] [--count 4] [--models A,B] [--drafts 1,4] [--seconds 900] [--out FOLDER]

The grid walks through all modes, meters from 2/4 to 12/8, 4 to 64 bars, no rule, each rule alone, and six rules at a
time, for each model in turn. People are the held-out tunes of the models' corpora. With several numbers of drafts each
request is drawn with all of them, so that they differ in nothing else. Refused requests are counted, not measured.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from melodysynthesis import corpora, formats
from melodysynthesis.errors import MelodyError
from melodysynthesis.evaluation.degenerate import SIGNS, shares, signs
from melodysynthesis.evaluation.statistics import bootstrap_mean
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import MODES, Melody
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.runtime.pretrained import PRETRAINED

METERS = ("2/4", "3/4", "4/4", "2/2", "3/8", "6/8", "9/8", "12/8", "5/4", "7/8")
BARS = (8, 16, 4, 12, 32, 8, 24, 16, 64)
SCALE_OF = {"major": "major", "minor": "natural-minor"}
CHORDS = {"major": "D | G | A7 | D", "mixolydian": "D | C | G | D", "lydian": "D | E | D | D"}
"""Of the modes with a major third; the others have D minor's."""
RULES: dict[str, Any] = {
    "scale": None, "range": "C4-E5", "max_leap": 9, "leap_recovery": True, "chords": None, "cadence": True,
    "durations": "1/2 1 3/2 2 3", "max_syncopation": 2, "rests": False, "ties_over_bars": False,
    "form": "AABA'", "max_copy": 8,
}  # fmt: skip
"""Rules that people ask for; those with None depend on the mode."""
POINTS = 2.0
"""Goal: at most so many percentage points more than people's."""


def grid(requests: int, models: list[str]) -> list[dict[str, Any]]:
    """The fields of so many requests."""
    sixes = list(itertools.combinations(RULES, 6))
    found = []
    for number in range(requests):
        mode, bars = MODES[number % len(MODES)], BARS[(number // 2) % len(BARS)]
        fields: dict[str, Any] = {
            "model": models[number % len(models)], "key": f"D {mode}", "meter": METERS[(number // 3) % len(METERS)],
            "bars": bars, "seed": number,
        }  # fmt: skip
        kind = number % 4
        names: tuple[str, ...] = ()
        if kind in (1, 2):
            names = (list(RULES)[(number // 4 + 6 * (kind - 1)) % len(RULES)],)
        elif kind == 3:
            names = sixes[(number * 131) % len(sixes)]
        for name in names:
            fields[name] = RULES[name]
        if "scale" in names:
            fields["scale"] = SCALE_OF.get(mode, mode)
        if "chords" in names:
            fields["chords"] = CHORDS.get(mode, "Dm | C | Am | Dm")
        if "form" in names and bars % 4:
            fields.pop("form")
        found.append(fields)
    return found


def shown(sign: str, melodies: list[Melody]) -> str:
    """The share of melodies with a sign, in percent, with its interval of 95 %."""
    if not melodies:
        return "-"
    found = bootstrap_mean([float(SIGNS[sign](melody)) for melody in melodies])
    return f"{100 * found.value:5.1f} [{100 * found.low:4.1f}, {100 * found.high:4.1f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--models", default=",".join(PRETRAINED))
    parser.add_argument("--drafts", default="1,4")
    parser.add_argument("--seconds", type=float, default=900.0, help="processor time after which no request begins")
    parser.add_argument("--out", type=Path, help="folder for the pictures of the ten worst")
    chosen = parser.parse_args()
    models, numbers = chosen.models.split(","), [int(text) for text in chosen.drafts.split(",")]
    engines = {name: open_model(name).engine for name in models}
    made: dict[int, list[tuple[dict[str, Any], Melody]]] = defaultdict(list)
    seconds: Counter[int] = Counter()
    refused, done, start = Counter[str](), 0, time.process_time()
    for fields in grid(chosen.requests, models):
        if time.process_time() - start > chosen.seconds:
            break
        done += 1
        for drafts in numbers if done % 2 else reversed(numbers):  # the first to come builds tables for the others
            began = time.process_time()
            knows = engines[fields["model"]].card.corpus == engines[models[0]].card.corpus or drafts == 1
            try:
                request = Request(**fields, count=chosen.count, drafts=drafts if knows else None)
                found = generate(engines[fields["model"]], request)
            except MelodyError as error:
                refused[str(error)] += 1
                continue
            seconds[drafts] += time.process_time() - began
            made[drafts] += [(fields, one.melody) for one in found]
    held_out = {engine.card.corpus for engine in engines.values()}
    people = [melody for name in sorted(held_out) for melody in corpora.load(name).split("test")]
    report(people, made, seconds)
    print(f"{done} of {chosen.requests} requests; {sum(refused.values())} refusals, load {os.getloadavg()[0]:.1f}")
    for line, count in refused.most_common(5):
        print(f"  {count} x {line}")
    if chosen.out is not None:
        draw_worst(made[numbers[-1]], chosen.out)


def report(people: list[Melody], made: dict[int, list[tuple[dict[str, Any], Melody]]], seconds: Counter[int]) -> None:
    """Print shares of each sign: people's, and with each number of drafts, free and under rules."""
    human = shares(people)
    columns: dict[str, list[Melody]] = {"people": people}
    for drafts, drawn in made.items():
        columns[f"{drafts} drafts, free"] = [one for fields, one in drawn if not set(fields) & set(RULES)]
        columns[f"{drafts} drafts, rules"] = [one for fields, one in drawn if set(fields) & set(RULES)]
    print(f"{'share in percent':24}" + "".join(f"{name:>22}" for name in columns))
    print(f"{'melodies':24}" + "".join(f"{len(melodies):>22}" for melodies in columns.values()))
    for sign in SIGNS:
        found = [shown(sign, melodies) for melodies in columns.values()]
        late = [
            name for name, melodies in columns.items()
            if melodies and 100 * (shares(melodies)[sign] - human[sign]) > POINTS
        ]  # fmt: skip
        print(
            f"{sign:24}" + "".join(f"{text:>22}" for text in found) + (f"  missed: {', '.join(late)}" if late else "")
        )
    first = next(iter(seconds), None)
    for drafts, used in seconds.items():
        print(
            f"{drafts} drafts: {used:.1f} s of processor, {used / max(seconds[first or 0], 1e-9):.2f} times {first}'s"
        )


def draw_worst(drawn: list[tuple[dict[str, Any], Melody]], folder: Path) -> None:
    """Write the ten melodies with most signs, then with the largest share of one pitch, as pictures."""
    folder.mkdir(parents=True, exist_ok=True)

    def badness(one: tuple[dict[str, Any], Melody]) -> tuple[int, float]:
        melody = one[1]
        return len(signs(melody)), max(Counter(melody.pitches).values()) / len(melody)

    for number, (fields, melody) in enumerate(sorted(drawn, key=badness, reverse=True)[:10], 1):
        (folder / f"{number:02d}.png").write_bytes(formats.to_bytes(melody, ".png"))
        print(f"{folder}/{number:02d}.png: {', '.join(signs(melody)) or 'no sign'}; {fields}")


if __name__ == "__main__":
    main()
