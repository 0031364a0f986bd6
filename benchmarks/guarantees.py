"""Random requests for melodies: all that can be kept are kept, and all that can't are refused with a smallest conflict.

    python benchmarks/guarantees.py [--count N] [--impossible N] [--model NAME|FILE ...] [--seed N] [--first N]

Each satisfiable request is generated once, written as MIDI, MusicXML and ABC, read again, and certified from each. Of a
refusal the rules that are named are asked for alone, which must be refused as well, and then without each of them in
turn, which must give a certified melody. Request i of a seed is always the same, and models take turns.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from _random_requests import Asked, Fields, impossible, satisfiable
from melodysynthesis import corpora, formats
from melodysynthesis.apps.opening import open_model
from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.errors import MelodyError, RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import RULES, Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.pretrained import PRETRAINED

FORMATS = ("midi", "musicxml", "abc")
CERTIFIED, REFUSED = "certified", "refused"
TOLD = 10.0
"""Seconds between lines of progress."""


@dataclass
class Tally:
    """Outcomes of requests, in all and by what was asked for."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by: Counter[tuple[str, str]] = field(default_factory=Counter)
    good_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: str, good: bool, kinds: list[tuple[str, str]], seconds: float) -> None:
        """Count one request."""
        self.outcomes[outcome] += 1
        self.by.update(kinds)
        self.good_by.update(kinds if good else ())
        self.seconds.append(seconds)


def exported(melody: Melody) -> dict[str, Melody]:
    """A melody as it is read again from each format."""
    return {
        name: formats.read_bytes(formats.to_bytes(melody, name), name, f"melody.{name}").melodies[0] for name in FORMATS
    }


def broken_in(melody: Melody, request: Request) -> list[str]:
    """What the certificate of each exported file says against it."""
    told = []
    for name, read in exported(melody).items():
        for finding in certify(read, request.model_dump(mode="json")).findings:
            if finding.verdict is not Verdict.KEPT:
                why = str(finding.breaches[0]) if finding.breaches else finding.reason
                told.append(f"{finding.rule} {finding.asked} in {name}: {why}")
    return told


def outcome_of(engine: Engine, fields: Fields) -> tuple[str, list[str]]:
    """Whether a request gives a certified melody, and what there is against it."""
    try:
        request = Request(**fields)
        (made,) = generate(engine, request)
        against = broken_in(made.melody, request)
    except RequestError as error:
        return REFUSED, [str(error)]
    except MelodyError as error:
        return "given up", [f"{type(error).__name__}: {error}"]
    except Exception as error:
        return "crashed", [f"{type(error).__name__}: {error}"]
    return ("broken", against) if against else (CERTIFIED, [])


def conflict_in(engine: Engine, fields: Fields) -> tuple[str, ...] | None:
    """The rules that a refusal names; None if it is not refused."""
    try:
        generate(engine, Request(**fields))
    except RequestError as error:
        return named_in(str(error))
    return None


def named_in(line: str) -> tuple[str, ...]:
    """The rules that a refusal names to a person: "no melody keeps cadence and range C#4-D4 together ..."."""
    flags = {name.replace("_", "-"): name for name in RULES}
    found = re.findall(rf"(?:keeps|,|and) (?:no )?({'|'.join(flags)})\b", line)
    return tuple(sorted({flags[flag] for flag in found}))


def against_refusal(engine: Engine, fields: Fields) -> tuple[str, list[str]]:
    """Whether a refusal names a conflict that is one, and a smallest one."""
    named = conflict_in(engine, fields)
    if named is None:
        return "not refused", ["a melody was made"]
    if not named:
        return "no conflict named", [str(outcome_of(engine, fields)[1])]
    beside = {name: value for name, value in fields.items() if name not in RULES}

    def with_rules(names: tuple[str, ...]) -> Fields:
        rules = {name: fields[name] for name in names if name in fields}
        frame = beside if "scale" in names else {name: value for name, value in beside.items() if name != "chromatic"}
        return frame | rules

    if conflict_in(engine, with_rules(named)) is None:
        return "no conflict", [f"{named} alone are kept by a melody"]
    for name in named:
        rest = tuple(other for other in named if other != name)
        outcome, why = outcome_of(engine, with_rules(rest))
        if outcome != CERTIFIED:
            return "not smallest", [f"{named} without {name}: {outcome}", *why]
    return REFUSED, []


def kinds_of(asked: Asked, model: str) -> list[tuple[str, str]]:
    """What a request is counted by."""
    rules = [("rule", name) for name in (*RULES, "primers", "rewrite") if asked.fields.get(name) not in (None, ())]
    conflict = [("conflict", "+".join(asked.conflict))] if asked.conflict else []
    return [("model", model), ("meter", asked.meters), ("from", asked.origin), *rules, *conflict]


def run(numbers: range, chosen: argparse.Namespace, tunes: list[Melody], possible: bool) -> Tally:
    """Try these requests; failures are printed as they come, and an interrupt ends with what has been counted."""
    tally = Tally()
    with suppress(KeyboardInterrupt):
        _run(numbers, chosen, tunes, possible, tally)
    return tally


def _run(numbers: range, chosen: argparse.Namespace, tunes: list[Melody], possible: bool, tally: Tally) -> None:
    engines = {name: open_model(name)[0] for name in chosen.model}
    told, good = time.monotonic(), CERTIFIED if possible else REFUSED
    for done, number in enumerate(numbers, 1):
        random = Random(f"{chosen.seed}-{number}-{possible}")
        asked = satisfiable(random, tunes) if possible else impossible(random, tunes)
        model = chosen.model[number % len(chosen.model)]
        start = time.process_time()
        outcome, why = (outcome_of if possible else against_refusal)(engines[model], asked.fields)
        tally.add(outcome, outcome == good, kinds_of(asked, model), time.process_time() - start)
        if outcome != good:
            print(f"request {number}, {model}, {asked.origin}: {outcome}: {'; '.join(why[:3])}")
            print(f"  {json.dumps(asked.fields)}", flush=True)
        if time.monotonic() - told > TOLD:
            told = time.monotonic()
            print(f"{done:,} of {len(numbers):,}: {tally.outcomes[good]:,} {good}", file=sys.stderr)


def report(tally: Tally, good: str) -> None:
    """Print the counts."""
    count = tally.outcomes.total()
    print(f"{tally.outcomes[good]:,} of {count:,} {good}; {dict(tally.outcomes)}")
    if tally.seconds:
        median, late = np.percentile(tally.seconds, (50, 95))
        whole = sum(tally.seconds)
        print(f"processor seconds a request: {median:.3g} median, {late:.3g} 95th percentile, {whole:.0f} in all")
    for kind in dict.fromkeys(kind for kind, _ in tally.by):
        names = sorted(name for other, name in tally.by if other == kind)
        print(f"  {kind}: " + ", ".join(f"{name} {tally.good_by[kind, name]}/{tally.by[kind, name]}" for name in names))


def main() -> int:
    """Run both kinds of request and print; 1 if any failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--impossible", type=int, default=20)
    parser.add_argument("--model", nargs="+", default=list(PRETRAINED))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request, to go on or to share work")
    chosen = parser.parse_args()
    tunes = [tune for tune in corpora.load("essen-german").split("test") if tune.meters and tune.key]
    bad = 0
    for count, possible, good in ((chosen.count, True, CERTIFIED), (chosen.impossible, False, REFUSED)):
        tally = run(range(chosen.first, chosen.first + count), chosen, tunes, possible)
        report(tally, good)
        bad += tally.outcomes.total() - tally.outcomes[good]
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
