"""Random requests for melodies: all that can be kept are kept, and all that can't are refused with a smallest conflict.

    python benchmarks/guarantees.py [--count N] [--impossible N] [--model NAME|FILE ...] [--first N] [--log FILE]
    python benchmarks/guarantees.py --everyday [...]    requests as people make them
    python benchmarks/guarantees.py --tally LOG ...

Each satisfiable request is generated once, written as MIDI, MusicXML and ABC, read again, and certified from each. Of a
refusal the rules that it carries are asked for alone, which must be refused as well, and then without each of them in
turn, which must give a certified melody. Request i of a seed is always the same, and models take turns.

With `--log` each outcome is a line of JSON as soon as it is known, and requests that have one there are not run again.
`--tally` adds up such files; of a request that stands in several, the last counts.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from _everyday_requests import everyday
from _random_requests import ConstraintProblem, Fields, impossible, satisfiable
from melodysynthesis import corpora, formats
from melodysynthesis.apps import baselines
from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.errors import EncodingError, MelodyError, RequestError
from melodysynthesis.evaluation.originality import Index, evaluate, index_of
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.runtime.pretrained import PRETRAINED

GERMAN = "essen-german"
BASELINES = ("ngram", "ppm")
FORMATS = ("midi", "musicxml", "abc")
CERTIFIED, REFUSED = "certified", "refused"


@dataclass
class Outcome:
    """What came of one request."""

    number: int
    possible: bool
    model: str
    outcome: str
    seconds: float
    """Of processor time."""
    kinds: list[tuple[str, str]]
    """What it is counted by."""
    why: list[str] = field(default_factory=list)
    fields: Fields = field(default_factory=dict)
    """Of a request that failed."""

    @property
    def good(self) -> bool:
        """Whether it is what is promised."""
        return self.outcome == (CERTIFIED if self.possible else REFUSED)


def exported(melody: Melody) -> dict[str, Melody]:
    """A melody as it is read again from each format."""
    return {
        name: formats.read_bytes(formats.to_bytes(melody, name), name, f"melody.{name}").melodies[0] for name in FORMATS
    }


@cache
def training_tunes(corpus: str) -> Index:
    """The tunes that a model was trained on."""
    return index_of(corpora.load(corpus))


class Model:
    """What `_random_requests` has to know of a model."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def says(self, melody: Melody) -> bool:
        """See `Singer.says`."""
        try:
            self._engine.encoding.encode(melody)
        except EncodingError:
            return False
        return True

    def longest_copy(self, melody: Melody) -> int:
        """See `Singer.longest_copy`."""
        return int(evaluate(melody, training_tunes(self._engine.card.corpus))["rhythm"]["longest_run"])


def broken_in(melody: Melody, request: Request, corpus: str) -> list[str]:
    """What the certificate of each exported file says against it."""
    told = []
    for name, read in exported(melody).items():
        originality = evaluate(read, training_tunes(corpus)) if request.max_copy else None
        for finding in certify(read, request.model_dump(mode="json"), originality).findings:
            if finding.verdict is not Verdict.KEPT:
                why = str(finding.breaches[0]) if finding.breaches else finding.reason
                told.append(f"{finding.rule} {finding.requested} in {name}: {why}")
    return told


def outcome_of(engine: Engine, fields: Fields) -> tuple[str, list[str]]:
    """Whether a request gives a certified melody, and what there is against it."""
    try:
        request = Request(**fields)
        (made,) = generate(engine, request)
        against = broken_in(made.melody, request, engine.card.corpus)
    except RequestError as error:
        return REFUSED, [str(error)]
    except MelodyError as error:
        return "given up", [f"{type(error).__name__}: {error}"]
    except Exception as error:
        return "crashed", [f"{type(error).__name__}: {error}"]
    return ("broken", against) if against else (CERTIFIED, [])


def conflict_in(engine: Engine, fields: Fields) -> tuple[str, ...] | None:
    """The rules that a refusal carries; None if it is not refused."""
    try:
        generate(engine, Request(**fields))
    except RequestError as error:
        return error.rules
    return None


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


def kinds_of(asked: ConstraintProblem, model: str) -> list[tuple[str, str]]:
    """What a request is counted by."""
    rules = [("rule", name) for name in (*RULES, "primers", "rewrite") if asked.fields.get(name) not in (None, ())]
    conflict = [("conflict", "+".join(asked.conflict))] if asked.conflict else []
    return [("model", model), ("meter", asked.meters), ("from", asked.origin), *rules, *conflict]


def engine_of(name: str) -> Engine:
    """A pretrained model, a file, or a baseline of the German songs."""
    if name in BASELINES:
        counted = baselines.count(GERMAN, open_model("lstm")[0].encoding)
        name = str(next(one.file for one in counted if one.name == name))
    return open_model(name)[0]


def run(numbers: Iterable[int], chosen: argparse.Namespace, tunes: list[Melody], possible: bool) -> Iterator[Outcome]:
    """Try these requests."""
    engines = {name: engine_of(name) for name in chosen.model}
    for number in numbers:
        model = chosen.model[number % len(chosen.model)]
        engine = engines[model]

        random = Random(f"{chosen.seed}-{number}-{possible}")
        if chosen.everyday and possible:
            asked = everyday(random, Model(engine))
        else:
            asked = (satisfiable if possible else impossible)(random, tunes, Model(engine))
        start = time.process_time()
        outcome, why = (outcome_of if possible else against_refusal)(engine, asked.fields)
        seconds = round(time.process_time() - start, 3)
        one = Outcome(number, possible, Path(model).stem, outcome, seconds, kinds_of(asked, Path(model).stem), why[:3])
        yield one if one.good else replace(one, fields=asked.fields)


def told(outcome: Outcome) -> None:
    """Print a failure."""
    if not outcome.good:
        print(f"request {outcome.number}, {outcome.model}: {outcome.outcome}: {'; '.join(outcome.why)}")
        print(f"  {json.dumps(outcome.fields)}", flush=True)


def logged(paths: Iterable[Path]) -> dict[tuple[int, bool], Outcome]:
    """The outcomes in log files, the last of each request."""
    lines = (line for path in paths if path.exists() for line in path.read_text().splitlines() if line.endswith("}"))
    outcomes = (Outcome(**json.loads(line)) for line in lines)
    return {(one.number, one.possible): one for one in outcomes}


def report(outcomes: Iterable[Outcome], good: str) -> None:
    """Print the counts."""
    every = list(outcomes)
    print(f"{sum(one.good for one in every):,} of {len(every):,} {good}; {dict(Counter(one.outcome for one in every))}")
    if every:
        seconds = [one.seconds for one in every]
        median, late, latest = np.percentile(seconds, (50, 95, 99))
        print(
            f"processor seconds: {median:.3g} median, {late:.3g} 95th percentile, {latest:.3g} 99th, "
            f"{max(seconds):.3g} worst, {sum(seconds):.0f} in all"
        )
    count = Counter((kind, name) for one in every for kind, name in one.kinds)
    fine = Counter((kind, name) for one in every if one.good for kind, name in one.kinds)
    for kind in dict.fromkeys(kind for kind, _ in count):
        names = sorted(name for other, name in count if other == kind)
        print(f"  {kind}: " + ", ".join(f"{name} {fine[kind, name]}/{count[kind, name]}" for name in names))


def main() -> int:
    """Run both kinds of request and print; 1 if any failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--impossible", type=int, default=20)
    parser.add_argument("--model", nargs="+", default=[*PRETRAINED, *BASELINES])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request, to go on or to share work")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of satisfiable requests, instead of a row of them")
    parser.add_argument("--everyday", action="store_true", help="requests as people make them")
    parser.add_argument("--log", type=Path, help="where each outcome is added as a line")
    parser.add_argument("--tally", type=Path, nargs="+", help="logs to add up; nothing is run")
    chosen = parser.parse_args()
    outcomes = logged(chosen.tally or ([chosen.log] if chosen.log else []))
    with suppress(KeyboardInterrupt):
        if not chosen.tally:
            _run_all(chosen, outcomes)
    for possible, good in ((True, CERTIFIED), (False, REFUSED)):
        mine = [one for one in outcomes.values() if one.possible == possible]
        for one in mine if chosen.tally else ():
            told(one)
        report(mine, good)
    return int(not all(one.good for one in outcomes.values()))


def _run_all(chosen: argparse.Namespace, outcomes: dict[tuple[int, bool], Outcome]) -> None:
    tunes = [tune for tune in corpora.load(GERMAN).split("test") if tune.meters and tune.key]
    for count, possible in ((chosen.impossible, False), (chosen.count, True)):
        numbers = chosen.only if chosen.only and possible else range(chosen.first, chosen.first + count)
        for one in run([n for n in numbers if (n, possible) not in outcomes], chosen, tunes, possible):
            outcomes[one.number, possible] = one
            told(one)
            if chosen.log:
                with chosen.log.open("a") as log:
                    log.write(json.dumps(asdict(one)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
