"""Words to sing: a note or a slur for each syllable, stressed ones on strong beats, and lines that end with phrases.

Each line has a stretch of bars of its own, from its pickup on. Which syllable a note has follows from the notes: one on
a strong beat begins the next syllable; one elsewhere begins it if it is unstressed, and else is slurred to the syllable
before, which is stressed or the line's last. So a stressed syllable always begins on a strong beat. Where a line has
more of them than strong beats, some are let go: they may begin anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from melodysynthesis import prosody
from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import EventPlaces, FieldSpec, RequestedBars, RuleSpec, Values
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Meter
from melodysynthesis.prosody.text import (
    Lyrics,
    divide,
    format_lyrics,
    language_of,
    parse_language,
    parse_lyrics,
    stresses_of,
)
from melodysynthesis.theory import beat_ticks

MAX_SLUR = 2
"""Notes of one syllable."""
ENOUGH = 0.85
"""Share of the stressed syllables for which bars are chosen so that they can begin on strong beats."""
EIGHTH = TICKS_PER_QUARTER // 2
MAX_LYRIC_BARS = 127


class Line(NamedTuple):
    """A line with the ticks of its stretch, `start` to `end`, and which of its syllables must begin on strong beats."""

    start: int
    end: int
    on_strong: tuple[bool, ...]


def may_begin(strong: bool, number: int, on_strong: Sequence[bool]) -> bool:
    """Whether a syllable of a line may begin on a strong beat, or elsewhere.

    One that need not be on a strong beat leaves it to the next one if that needs it.
    """
    if not strong:
        return not on_strong[number]
    return on_strong[number] or not (number + 1 < len(on_strong) and on_strong[number + 1])


def may_be_slurred(number: int, on_strong: Sequence[bool]) -> bool:
    """Whether a syllable of a line may have several notes: a stressed one, and the last."""
    return on_strong[number] or number + 1 == len(on_strong)


def stretches(timeline: Timeline, lines: int) -> list[tuple[int, int]] | None:
    """Start and end of each line in ticks, each with nearly equally many bars; None if there are too few bars."""
    bars = len(timeline.bar_lines)
    if bars < lines:
        return None
    cuts = [timeline.bar_lines[number * bars // lines] - timeline.pickup for number in range(lines)]
    return list(pairwise([max(cuts[0], 0), *cuts[1:], timeline.ticks]))


def lines_in(timeline: Timeline, stresses: Sequence[Sequence[bool]]) -> tuple[Line, ...] | None:
    """The lines of a text in some bars; None if they do not fit."""
    found = []
    for stressed, stretch in zip(stresses, stretches(timeline, len(stresses)) or (), strict=False):
        strong = timeline.strong[stretch[0] : stretch[1]]
        on_strong = _kept(tuple(stressed), strong)
        if stretch[1] == timeline.ticks:
            on_strong = _kept(tuple(stressed), strong[: _last_note(timeline) - stretch[0] + 1]) or on_strong
        if on_strong is None:
            return None
        found.append(Line(*stretch, on_strong))
    return tuple(found) or None


def _last_note(timeline: Timeline) -> int:
    """The last strong beat that a beat or more follows, where a cadence can end."""
    ends = (tick for tick in reversed(range(timeline.ticks)) if timeline.closing[tick])
    return next((tick for tick in ends if tick + timeline.beats[tick] <= timeline.ticks), timeline.ticks)


@cache
def _kept(stressed: tuple[bool, ...], strong: tuple[bool, ...]) -> tuple[bool, ...] | None:
    """Which stressed syllables can all begin on strong beats; None if there is no room for the syllables at all."""
    for step in (EIGHTH, EIGHTH // 2):
        places = strong[::step]
        wanted = list(stressed)
        while True:
            if _fits(tuple(wanted), places):
                return tuple(wanted)
            if not any(wanted):
                break
            wanted[_least(wanted)] = False
    return None


def _least(wanted: Sequence[bool]) -> int:
    """The stressed syllable that is let go first: after a stressed one, else the first of all."""
    crowded = [n for n in range(1, len(wanted)) if wanted[n - 1] and wanted[n]]
    return crowded[0] if crowded else list(wanted).index(True)


def _fits(on_strong: tuple[bool, ...], places: Sequence[bool]) -> bool:
    reached = {0}
    for strong in places:
        reached |= {n + 1 for n in reached if n < len(on_strong) and may_begin(strong, n, on_strong)}
    return len(on_strong) in reached


class SyllableNotes(StatelessRule):
    """Guaranteed: each line's syllables all begin with a note in its stretch, in order.

    A state is, for the line that is sung, how many of its syllables have begun and how many notes the latest one has.
    """

    def __init__(self, context: RuleContext, stresses: Sequence[Sequence[bool]]) -> None:
        super().__init__(context)
        lines = lines_in(context.timeline, stresses)
        self.lines = lines or ()
        longest = max((len(line.on_strong) for line in self.lines), default=1)
        self.states = 1 + longest * MAX_SLUR
        ticks = context.timeline.ticks
        self.line, self.ends_at = np.zeros(ticks, np.int64), np.zeros(ticks, np.int64)
        self.starts = np.zeros(ticks, np.bool_)
        for number, line in enumerate(self.lines):
            self.line[line.start : line.end], self.ends_at[line.start : line.end] = number, line.end
            self.starts[line.start] = number > 0
        self.strong = np.array(context.timeline.strong)

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """The line, whether the event is its first, and whether it is on a strong beat; none crosses a line's end."""
        found = self.line[onsets] * 4 + self.starts[onsets] * 2 + self.strong[onsets]
        return np.where((onsets + lengths <= self.ends_at[onsets]), found, NO)

    def transitions(self, symbol: int) -> Ints:
        """A note begins a syllable or is slurred to the latest one; a rest changes nothing."""
        number, first, strong = symbol // 4, bool(symbol & 2), bool(symbol & 1)
        line = self.lines[number].on_strong
        notes, rests = np.full(self.states, NO), np.full(self.states, NO)
        for state in range(self.states):
            started, slur = (0, 0) if state == 0 else divmod(state - 1, MAX_SLUR)
            started += state > 0
            if first:  # the line before has to be complete
                if started != len(self.lines[number - 1].on_strong):
                    continue
                started, slur = 0, 0
            if started > len(line):
                continue
            rests[state] = _state(started, slur)
            if started < len(line) and may_begin(strong, started, line):
                notes[state] = _state(started + 1, 0)
            elif started and slur + 1 < MAX_SLUR and may_be_slurred(started - 1, line):
                notes[state] = _state(started, slur + 1)
        pitches = len(self.context.pitches)
        return np.concatenate([np.repeat(notes[:, None], pitches, axis=1), rests[:, None]], axis=1)[:, None, :]

    def ends(self) -> Flags:
        """All syllables of the last line have begun."""
        complete = np.zeros((self.states, 1), np.bool_)
        if self.lines:
            last = len(self.lines[-1].on_strong)
            complete[[_state(last, slur) for slur in range(MAX_SLUR)]] = True
        return complete


def _state(started: int, slur: int) -> int:
    return 0 if started == 0 else 1 + (started - 1) * MAX_SLUR + slur


def with_words(melody: Melody, values: Values) -> Melody:
    """A melody that keeps the rule, with its text below its notes, and a phrase for each line."""
    timeline, lyrics = Timeline.of_melody(melody, values["grouping"] or ()), values["lyrics"]
    lines = lines_in(timeline, stresses_of(lyrics, language_of(lyrics, values["language"]))) or ()
    written: list[tuple[int, str]] = []
    for line, words in zip(lines, lyrics.lines, strict=True):
        texts = [part + "-" * (n + 1 < len(word.syllables)) for word in words for n, part in enumerate(word.syllables)]
        started = 0
        for note in melody.notes:
            inside = line.start <= note.onset < line.end and started < len(texts)
            if inside and may_begin(timeline.strong[note.onset], started, line.on_strong):
                written.append((note.onset, texts[started]))
                started += 1
    return replace(melody, lyrics=tuple(written), phrase_ends=tuple(line.end for line in lines))


def completed(values: Values) -> Mapping[str, Any]:
    """What the text says of a request: its language and division into syllables; bars that fit, if none are given."""
    language = language_of(values["lyrics"], values["language"])
    lyrics = divide(values["lyrics"], language)
    fields: dict[str, Any] = {"lyrics": lyrics, "language": language}
    if values["primers"] or values["within"]:
        return fields
    stresses, meters = stresses_of(lyrics, language), values["meters"]
    if not meters and values["meter"] is None:
        fields["meter"] = usual_meter(stresses)
    meter = meters[0].meter if meters else values["meter"] or fields["meter"]
    pickup = values["pickup"]
    if pickup is None:
        pickup = fields["pickup"] = usual_pickup(stresses, meter)
    if not meters and values["bars"] is None:
        fields["bars"] = bars_for(stresses, meter, pickup, values["grouping"] or ())
    return fields


def usual_meter(stresses: Sequence[Sequence[bool]]) -> Meter:
    """6/8 for a text whose stresses are rather three syllables apart than two, else 4/4."""
    regular = {
        period: sum(max(sum(line[start::period]) for start in range(period)) for line in stresses) for period in (2, 3)
    }
    return Meter(0, 6, 8) if regular[3] > regular[2] else Meter(0, 4, 4)


def usual_pickup(stresses: Sequence[Sequence[bool]], meter: Meter) -> int:
    """A beat, or an eighth or two of 6/8, where most lines begin with unstressed syllables; else 0. In ticks."""
    before = sorted(list(line).index(True) for line in stresses if any(line))
    middle = before[len(before) // 2] if before else 0
    if not middle:
        return 0
    beat = beat_ticks(meter)
    pickup = EIGHTH * min(middle, 2) if beat == 3 * EIGHTH else beat
    return pickup if pickup < meter.bar_ticks else 0


def bars_for(stresses: Sequence[Sequence[bool]], meter: Meter, pickup: int, grouping: Sequence[int] = ()) -> int:
    """The fewest bars, equally many for each line, in which every line has room for its syllables and stresses.

    Raises:
        RequestError: if there are too many.
    """
    wanted = sum(map(sum, stresses))
    for each in range(1, 1 + MAX_LYRIC_BARS // len(stresses)):
        timeline = Timeline.of_bars([meter] * (each * len(stresses)), pickup, grouping)
        lines = lines_in(timeline, stresses)
        roomy = all(len(line) * EIGHTH * 4 <= each * meter.bar_ticks * 3 for line in stresses)
        if lines and roomy and sum(sum(line.on_strong) for line in lines) >= ENOUGH * wanted:
            return each * len(stresses)
    raise RequestError(f"lyrics: {len(stresses)} lines need more than {MAX_LYRIC_BARS} bars of {meter}: give less text")


def _check(values: Values, bars: RequestedBars) -> None:
    lyrics: Lyrics = values["lyrics"]
    if bars.number is None:
        return
    if bars.number < len(lyrics.lines):
        raise RequestError(f"lyrics of {len(lyrics.lines)} lines need a bar each: {bars.number} are too few")
    if not bars.meters:
        return
    timeline = Timeline.of_bars(bars.meters_of(bars.number))
    stresses = stresses_of(lyrics, language_of(lyrics, values["language"]))
    if lines_in(timeline, stresses) is None:
        raise RequestError(
            f"lyrics: {lyrics.syllable_count():,} syllables have no room in {bars.number} bars of {bars.meters[0]}"
        )


def _places(lyrics: Lyrics, timeline: Timeline, cuts: Sequence[int]) -> EventPlaces:
    del cuts
    ends = stretches(timeline, len(lyrics.lines)) or ()
    return EventPlaces(onsets=frozenset(tick for stretch in ends for tick in stretch))


SPEC = RuleSpec(
    name="lyrics", label="lyrics", type=Lyrics,
    example="Twin-kle, twin-kle, lit-tle star, / How I won-der what you are.",
    parse=parse_lyrics, write=format_lyrics,
    help='Words to sing, lines separated by "/": "Twinkle, twinkle, little star / How I wonder".',
    guarantee="Every syllable of the text begins with a note, in order; further notes are slurred to the syllable "
    "before. Each line of the text ends with a phrase, and no note sounds across its end. Hyphens part syllables, "
    "slashes lines. Stressed syllables begin on strong beats as far as the bars have room for them.",
    build=lambda context, values: SyllableNotes(
        context, stresses_of(values["lyrics"], language_of(values["lyrics"], values["language"]))
    ),
    options=(
        FieldSpec(
            name="language", label="language", type=str, choices=prosody.LANGUAGES, example="en",
            parse=parse_language, help="Language of the lyrics, en or de; guessed if not given.",
            guarantee="Syllables and stress of the lyrics are those of this language.",
        ),
    ),
    check=_check,
    places=_places,
    cuts=lambda lyrics, timeline: [start for start, _ in stretches(timeline, len(lyrics.lines)) or ()],
    silent_start=True,
    completes=completed,
    finish=with_words,
)  # fmt: skip
