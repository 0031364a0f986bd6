"""The library in a few functions: what `import melodysynthesis as ms` gives.

Each is a thin door to the packages behind it; the command line goes through the same doors. Melodies are `Melody`
values, whose times are in ticks, 24 to the quarter note, and whose pitches are MIDI numbers, 60 for middle C.

Errors
    A mistake in a request, or a file that can't be read, raises a subclass of `MelodyError` whose message is
    one line for people. What a reader had to decide, such as which of several parts to take, is a `UserWarning`.

Requests
    `generate`, `fill` and `vary` take the fields of a `Request` as keywords: key, meter, bars, count, seed,
    temperature, and every rule, such as chords, scale, range, cadence, form and max_copy. `Request` documents them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from melodysynthesis.music import Melody

if TYPE_CHECKING:
    import os

    from melodysynthesis.certificate import Certificate
    from melodysynthesis.corpora import Corpus
    from melodysynthesis.evaluation.prediction import Prediction
    from melodysynthesis.generation.batch import Generated, Refused
    from melodysynthesis.generation.request import Request
    from melodysynthesis.runtime.loading import OpenedModel


DEFAULT_CORPUS = "essen-german"


def read(path: str | os.PathLike[str], part: str | None = None) -> Melody:
    """Read the melody of a score file: MIDI, MusicXML, ABC, kern, grid text or JSON, by the file's suffix.

    Args:
        path: the file.
        part: the part, track or tune to take, by name or by number from 1.

    Raises:
        FormatError: if the file can't be read, or holds several melodies and no `part` chooses one.

    >>> import melodysynthesis as ms
    >>> ms.write(ms.from_note_array([(0, 1, 67), (1, 1, 69), (2, 2, 71)], meter="4/4", key="G major"), "tune.abc")
    >>> melody = ms.read("tune.abc")
    >>> melody.pitches, str(melody.key)
    ((67, 69, 71), 'G major')
    """
    from melodysynthesis.errors import FormatError

    melodies = read_all(path, part)
    if len(melodies) > 1:
        raise FormatError(f"{len(melodies)} melodies: choose one with part, or read them with read_all", str(path))
    return melodies[0]


def read_all(path: str | os.PathLike[str], part: str | None = None) -> list[Melody]:
    """Read all melodies of a file, such as a collection in ABC; see `read`.

    A tune that can't be read is left out with a warning, unless it is the only one.

    Raises:
        FormatError: if no melody can be read.
    """
    from melodysynthesis import formats

    reading = formats.read(path, part)
    for line in [*reading.notices, *map(str, reading.problems)]:
        warnings.warn(line, stacklevel=2)
    return list(reading.melodies)


def write(melody: Melody, path: str | os.PathLike[str]) -> None:
    """Write a melody to a file, completely or not at all. The suffix says the format.

    Formats: .mid, .musicxml, .mxl, .abc, .krn, .grid, .json, and for looking and listening .svg, .png, .wav.

    Raises:
        FormatError: if the suffix is unknown, the format can't express this melody, or the file can't be written.

    >>> import melodysynthesis as ms
    >>> ms.write(ms.from_note_array([(0, 1, 60), (1, 1, 64)]), "two-notes.mid")
    """
    from melodysynthesis import formats

    formats.write(melody, path)


def load_model(name: str) -> OpenedModel:
    """Open a model: the name of one that ships (`melody models` lists them), a model file, or a run's folder.

    Raises:
        ModelError: if no model has that name; the nearest name is suggested.

    >>> import melodysynthesis as ms
    >>> ms.load_model("lstm").source.card.parameters
    862773
    """
    from melodysynthesis.runtime.loading import open_model

    return open_model(name)


def generate(
    request: Request | None = None, *, model: str | OpenedModel | None = None, rank: bool = False, **fields: Any
) -> list[Melody]:
    """Generate melodies.

    Args:
        request: what to generate; by default a `Request` of `fields`.
        model: name or file of the model, or one from `load_model`, which saves opening it again.
        rank: draw three times as many, and return likely ones first, each unlike the ones before it.
        fields: fields of the request, such as ``key="G major", bars=8, count=3, seed=1``.

    Returns:
        ``count`` melodies, one by default, no two of them equal. Each keeps every rule of the request.

    Raises:
        RequestError: if fields contradict each other, or no melody keeps all the rules.
        ModelError: if there is no such model.

    >>> import melodysynthesis as ms
    >>> melody, = ms.generate(key="G major", meter="3/4", bars=4, chords="G | C | D7 | G", seed=1)
    >>> melody.duration == 4 * 3 * 24, melody.pitches[-1] % 12 in {7, 11, 2}
    (True, True)
    """
    return [made.melody for made in draw(request, model=model, rank=rank, **fields)]


def draw(
    request: Request | None = None,
    *,
    model: str | OpenedModel | None = None,
    rank: bool = False,
    exclude: Melody | None = None,
    advance: Callable[[int], None] = lambda done: None,
    each: Callable[[Generated | Refused], None] | None = None,
    **fields: Any,
) -> list[Generated]:
    """Generate melodies, and tell how each came about: tokens, likelihood, particles; see `generate`.

    Args:
        request: what to generate; by default a `Request` of `fields`.
        model: name or file of the model, or one from `load_model`.
        rank: see `generate`. Fewer than ``count`` are returned if the model finds no more different ones.
        exclude: with `rank`, a melody that is not returned, such as the one that is being varied.
        advance: called now and then with the number of melodies drawn so far.
        each: called with each melody once it is drawn or refused: in order, but for `rank`. Without it the first
            refusal is raised.
        fields: fields of the request.

    >>> import melodysynthesis as ms
    >>> made, = ms.draw(bars=2, meter="4/4", seed=1)
    >>> made.ended, made.log_likelihood < 0
    (True, True)
    """
    from melodysynthesis.errors import RequestError
    from melodysynthesis.generation.batch import Generated, Partial
    from melodysynthesis.generation.generate import generate_distinct, generate_only, pool, ranked
    from melodysynthesis.generation.request import Request

    if request is not None and fields:
        raise RequestError(f"a request and fields of one can't be given together: {', '.join(fields)}")
    if isinstance(model, str) and request is None:
        fields["model"] = model
    request = Request(**fields) if request is None else request
    opened = load_model(model or request.model) if model is None or isinstance(model, str) else model
    if rank:
        made = generate_only(opened.engine, pool(request), range(pool(request).count), advance=advance, each=each)
        return ranked(made, request.count, exclude)
    made = []
    for one in generate_distinct(opened.engine, request, advance):
        if isinstance(one, Partial):
            continue
        if each is not None:
            each(one)
        if isinstance(one, Generated):
            made.append(one)
        elif each is None:
            raise one.error
    return made


def fill(
    melody: Melody,
    bars: str,
    *,
    count: int = 1,
    model: str | OpenedModel | None = None,
    follow_chords: bool = False,
    **fields: Any,
) -> list[Melody]:
    """Rewrite some bars of a melody, so that they fit what comes before and after, which stays as it is.

    Args:
        melody: a melody with a meter.
        bars: the bars to rewrite, such as ``"3-4"`` or ``"3"``.
        count: how many alternatives: likely ones first, each unlike the ones before it.
        model: see `generate`.
        follow_chords: whether the bars that are rewritten follow the melody's own chords, as a rule.
        fields: fields of the request, such as a seed or rules. The whole melody keeps the rules; with
            ``rules_for="new"`` only what is written anew does.

    Raises:
        RequestError: if there are no such bars, or no melody keeps all the rules, or there are no chords to follow.

    >>> import melodysynthesis as ms
    >>> melody = ms.generate(bars=4, meter="3/4", pickup=0, seed=1)[0]
    >>> other = ms.fill(melody, "2", seed=1)[0]
    >>> [note for note in other.notes if note.end <= 72] == [note for note in melody.notes if note.end <= 72]
    True
    """
    from melodysynthesis.generation.filling import fill_request, with_metadata

    request = fill_request(melody, bars, count=count, follow_chords=follow_chords, **fields)
    made = draw(request, model=model, rank=True, exclude=melody)
    return [with_metadata(one.melody, melody, request) for one in made]


def vary(
    motif: Melody,
    keep: str | Sequence[str] = "rhythm",
    *,
    count: int = 1,
    model: str | OpenedModel | None = None,
    **fields: Any,
) -> list[Melody]:
    """Vary a motif: some of it stays, the rest is new, in the same key, meter and length.

    Args:
        motif: a melody; if it has no meter, give one as a field.
        keep: what stays: ``"rhythm"``, ``"contour"`` (up and down), ``"strong"`` (the notes on strong beats), or
            several of these.
        count: how many variations: likely ones first, each unlike the ones before it.
        model: see `generate`.
        fields: fields of the request, such as a seed or rules.

    Raises:
        RequestError: if nothing can be kept, or no melody keeps all the rules.

    >>> import melodysynthesis as ms
    >>> motif = ms.from_note_array([(0, 1, 67), (1, .5, 69), (1.5, .5, 71), (2, 1, 74)], meter="3/4", key="G major")
    >>> variation = ms.vary(motif, keep="rhythm", seed=1)[0]
    >>> [note.duration for note in variation.notes]
    [24, 12, 12, 24]
    """
    from melodysynthesis.generation.filling import with_metadata
    from melodysynthesis.generation.variation import variation

    request = variation(motif, [keep] if isinstance(keep, str) else keep, count=count, **fields)
    made = draw(request, model=model, rank=True, exclude=motif)
    return [with_metadata(one.melody, motif, request) for one in made]


def harmonise(
    melody: Melody,
    *,
    key: str | None = None,
    harmonic_rhythm: str | None = None,
    spice: int = 1,
    alternatives: int = 1,
) -> list[Melody]:
    """Find chords for a melody, with a model of harmony that was learnt from Bach's chorales.

    Args:
        melody: a melody with a meter. Its phrases end with cadences; without phrases, every four bars.
        key: such as ``"G major"``; by default the melody's, else the one that fits best.
        harmonic_rhythm: how often the chord may change: ``"bar"``, ``"half"`` or ``"beat"``; by default by the meter.
        spice: 0 for triads and the dominant seventh, 1 as in the chorales, 2 and 3 for more.
        alternatives: how many ways: the likeliest first, each unlike the ones before it.

    Returns:
        the melody with each way's chords in `Melody.chords`.

    Raises:
        RequestError: if the melody has no notes or no meter, or an argument is out of its range.

    >>> import melodysynthesis as ms
    >>> notes = [(0, 1, 67), (1, 1, 71), (2, 1, 74), (3, 1.5, 72), (4.5, .5, 69), (5, 1, 66), (6, 3, 67)]
    >>> ms.harmonise(ms.from_note_array(notes, meter="3/4", key="G major"))[0].chords[-1]
    (144, 'G')
    """
    from melodysynthesis.harmony import harmonise as find_chords
    from melodysynthesis.notation import parse_key

    return find_chords(
        melody,
        key=parse_key(key) if key is not None else None,
        harmonic_rhythm=harmonic_rhythm,
        spice=spice,
        alternatives=alternatives,
    )


def certify(melody: Melody, request: Request) -> Certificate:
    """Check whether a melody keeps every rule of a request, with code that shares nothing with the generator.

    >>> import melodysynthesis as ms
    >>> request = ms.Request(key="G major", meter="3/4", bars=4, scale="major", cadence=True, seed=1)
    >>> certificate = ms.certify(ms.generate(request)[0], request)
    >>> str(certificate.verdict)
    'kept'
    """
    from melodysynthesis.certificate import certify as check

    return check(melody, request.model_dump(mode="json"))


def load_corpus(name: str = DEFAULT_CORPUS) -> Corpus:
    """Load a corpus by name (`melody corpus list`), or a file or folder of scores; built on first use, then cached.

    The named corpora are read from the package music21: ``pip install 'melodysynthesis[corpora]'``.

    Raises:
        CorpusError: if there is no such corpus, or music21 is not installed.

    >>> import melodysynthesis as ms
    >>> ms.write(ms.from_note_array([(beat, 1, 60 + beat) for beat in range(8)], meter="4/4"), "scale.mid")
    >>> len(ms.load_corpus("scale.mid"))
    1
    """
    from melodysynthesis import corpora

    return corpora.load(name)


def evaluate(
    model: str | OpenedModel, melodies: Iterable[Melody] | str | Corpus = DEFAULT_CORPUS, split: str = "test"
) -> Prediction:
    """Measure how well a model predicts melodies, note by note.

    Args:
        model: name, file, or one from `load_model`.
        melodies: what to predict: melodies, or a corpus or its name, of which `split` is predicted.
        split: train, validation or test.

    Returns:
        accuracy, loss, bits per note with an interval, and more; ``figures()`` gives all as a dictionary.

    Raises:
        CorpusError: if there is no melody.
        EncodingError: if the model's encoding can express none of them.

    >>> import melodysynthesis as ms
    >>> found = ms.evaluate("lstm", ms.generate(bars=4, meter="4/4", count=2, seed=1))
    >>> 0 < found.bits_per_note().value < 8
    True
    """
    from melodysynthesis.corpora import Corpus
    from melodysynthesis.evaluation.evaluate import evaluate as predict

    opened = load_model(model) if isinstance(model, str) else model
    if isinstance(melodies, str):
        melodies = load_corpus(melodies)
    return predict(opened.engine, list(melodies.split(split) if isinstance(melodies, Corpus) else melodies))


def describe(melody: Melody) -> dict[str, float]:
    """Describe a melody by the 17 descriptors of the original study, by name; `evaluation.descriptors` defines them.

    >>> import melodysynthesis as ms
    >>> ms.describe(ms.from_note_array([(0, 1, 60), (1, 1, 64), (2, 2, 67)]))["Pitch Range"]
    7.0
    """
    from melodysynthesis.evaluation import descriptors

    return dict(zip(descriptors.NAMES, descriptors.describe(melody).tolist(), strict=True))


def originality(melody: Melody, corpus: str | Corpus = DEFAULT_CORPUS) -> dict[str, Any]:
    """Say what a melody shares with the training tunes of a corpus: the longest run of notes, where, and how common.

    Args:
        melody: the melody.
        corpus: a corpus or its name, file or folder.

    Returns:
        by ``"rhythm"`` (intervals and durations) and by ``"interval"`` (intervals alone): ``longest_run`` in notes,
        the tune that has it, the share of copied runs, and the percentile among held-out tunes.

    Raises:
        CorpusError: as `load_corpus`.

    >>> import melodysynthesis as ms
    >>> scale = ms.from_note_array([(beat, 1, 60 + beat) for beat in range(8)], meter="4/4")
    >>> ms.write(scale, "scale.mid")
    >>> report = ms.originality(scale, "scale.mid")
    >>> report["rhythm"]["longest_run"] <= report["notes"]
    True
    """
    from melodysynthesis.evaluation.originality import evaluate as compare
    from melodysynthesis.evaluation.originality import index_of

    return compare(melody, index_of(load_corpus(corpus) if isinstance(corpus, str) else corpus))


def show(melody: Melody) -> None:
    """Show a melody's score and play its sound, in a notebook or else in the web browser."""
    from melodysynthesis import notebook

    notebook.show(melody)
