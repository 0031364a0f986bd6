"""Hypothesis strategies for melodies: everything that `Melody` allows, odd corners included."""

from hypothesis import strategies as st

from melodysynthesis.music import BEAT_UNITS, MODES, Key, Melody, Meter, Note

DURATIONS = (24, 12, 6, 48, 36, 18, 72, 96, 8, 16, 4, 3, 9, 1, 5, 7, 11, 21, 30, 54, 60, 84, 144, 192, 200)
COMMON_METERS = ((4, 4), (3, 4), (2, 4), (6, 8), (3, 8), (2, 2), (5, 4), (9, 8), (12, 8), (3, 2), (4, 8), (7, 16))
TONICS = tuple(step + sign for step in "CDEFGAB" for sign in ("", "#", "b"))

keys = st.builds(Key, st.sampled_from(TONICS), st.sampled_from(MODES))


@st.composite
def melodies(draw: st.DrawFn, step: int = 1, min_notes: int = 0, max_notes: int = 24) -> Melody:
    """Any melody whose onsets and durations are multiples of `step` ticks."""
    notes: list[Note] = []
    now = 0
    durations = [duration for duration in DURATIONS if duration % step == 0]
    for _ in range(draw(st.integers(min_notes, max_notes))):
        if draw(st.integers(0, 4)) == 0:
            now += draw(st.sampled_from(durations))
        duration = draw(st.sampled_from(durations))
        notes.append(Note(now, duration, draw(st.integers(0, 127) | st.integers(55, 84))))
        now += duration
    duration = now + draw(st.sampled_from((0, 0, *durations)))
    meters = draw(_meters(duration))
    pickup = draw(st.sampled_from((0, 24, 12, 6, 8, 1, 36, 48))) if meters else 0
    if pickup and not pickup < meters[0].bar_ticks:
        pickup = 0
    ends = draw(st.sets(st.integers(1, duration), max_size=4)) if duration else set()
    ends |= {note.end for note in notes if draw(st.integers(0, 7)) == 0}
    key = draw(st.none() | keys)
    return Melody(tuple(notes), duration, meters, key, tuple(sorted(ends)), pickup)


@st.composite
def _meters(draw: st.DrawFn, duration: int) -> tuple[Meter, ...]:
    meter = st.sampled_from(COMMON_METERS) | st.tuples(st.integers(1, 32), st.sampled_from(BEAT_UNITS))
    if draw(st.integers(0, 5)) == 0:
        return ()
    ticks = {0}
    if duration > 1:
        ticks |= draw(st.sets(st.integers(1, duration - 1), max_size=2))
    return tuple(Meter(tick, *draw(meter)) for tick in sorted(ticks))
