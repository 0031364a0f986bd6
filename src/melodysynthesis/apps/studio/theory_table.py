"""What the page needs of music theory, from the library: so that the page shows and plays what the rules say."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import Any

from melodysynthesis import theory
from melodysynthesis.constraints.rules.chords import chord_symbols
from melodysynthesis.formats.chord_symbols import spans
from melodysynthesis.music import BEAT_UNITS, MAX_BEATS, MODES, TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.theory.chords import Chart

MIDDLE_OCTAVE = range(60, 72)
SIGNS = {-2: "𝄫", -1: "♭", 0: "", 1: "♯", 2: "𝄪"}
TONICS = tuple(letter + sign for letter, sign in product("CDEFGAB", ("bb", "b", "", "#", "##")))


@cache
def theory_table() -> dict[str, Any]:
    """Beats and strong beats of all meters, and the names of keys and pitches, for JSON.

    Returns:
        ``quarter``, the ticks of a quarter; ``meters``: by names such as ``"6/8"`` the ticks of a bar (``bar``) and of
        a beat (``beat``), and the ticks of the strong beats in a bar (``strong``); ``tonics``: the pitch class of each
        tonic; ``scales``: semitones above the tonic of each mode; ``pitches``: by keys such as ``"G major"``, and
        ``""`` for no key, names of the twelve pitches from middle C on, each as ``[name, octave]``, so that B♯ in the
        octave from middle C on is ``["B♯", 3]``.
    """
    meters = [Meter(0, beats, unit) for beats, unit in product(range(1, MAX_BEATS + 1), BEAT_UNITS)]
    keys = [Key(tonic, mode) for tonic, mode in product(TONICS, MODES)]
    return {
        "quarter": TICKS_PER_QUARTER,
        "meters": {str(meter): _meter(meter) for meter in meters},
        "scales": {mode: theory.SCALES[mode] for mode in MODES},
        "tonics": {tonic: Key(tonic).pitch_class for tonic in TONICS},
        "pitches": {"": _pitch_names(None)} | {str(key): _pitch_names(key) for key in keys},
    }


def sounding_chords(melody: Melody, chart: Chart | None) -> list[dict[str, Any]]:
    """When each chord sounds under a melody, as the chord rule says.

    Args:
        melody: its bars; one without a meter has no chords of a chart.
        chart: a bar of chords each, repeated if the melody has more bars; None for the melody's own chords.

    Returns:
        For each entrance the ticks of its ``start`` and ``end``, the pitch class ``root`` of its lowest note, those of
        all its ``tones``, and its ``name``. A chord enters again at each bar line, as in files.
    """
    symbols = melody.chords if chart is None else chord_symbols(melody, chart)
    bar_lines = [bar.start for bar in melody.bars()]
    found = []
    for start, end, chord in spans(symbols, melody.duration):
        about = {"root": Key(chord.bass or chord.root).pitch_class, "tones": sorted(chord.tones), "name": str(chord)}
        strikes = [start, *(line for line in bar_lines if start < line < end), end]
        found += [{"start": a, "end": b, **about} for a, b in pairwise(strikes)]
    return found


def _meter(meter: Meter) -> dict[str, Any]:
    beat = theory.beat_ticks(meter)
    strong = [tick for tick in range(0, meter.bar_ticks, beat) if theory.is_strong(meter, tick)]
    return {"bar": meter.bar_ticks, "beat": beat, "strong": strong}


def _pitch_names(key: Key | None) -> list[tuple[str, int]]:
    spelled = [theory.spell(pitch, key) for pitch in MIDDLE_OCTAVE]
    return [(step + SIGNS[alteration], octave) for step, alteration, octave in spelled]
