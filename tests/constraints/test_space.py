"""Onsets and durations that events may have."""

import numpy as np

from melodysynthesis.constraints.rules import fixed
from melodysynthesis.constraints.space import NEAR, space_of
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.music import Meter

TIMELINE = Timeline.of_bars([Meter(0, 3, 4)] * 2, 24)


def test_onsets_are_on_the_grid_of_the_thirty_second_or_its_triplet_from_the_bar_line_on():
    space = space_of(TIMELINE, 1, (12, 24), (), False)
    assert (space.ticks[0], space.ticks[-1]) == (0, TIMELINE.ticks)
    assert all(tick % 3 == 0 or tick % 4 == 0 for tick in space.ticks.tolist())
    assert np.array_equal(space.ticks, np.unique(space.ticks))


def test_places_off_the_grid_are_among_the_onsets_and_can_be_reached():
    space = space_of(TIMELINE, 1, (12, 24), (25,), False)
    assert 25 in space.ticks
    assert space.number[25] >= 0
    around = sorted(space.ticks.tolist(), key=lambda tick: abs(tick - 25))[1:NEAR]
    assert {abs(tick - 25) for tick in around} <= set(space.lengths.tolist())


def test_every_onset_and_duration_is_a_multiple_of_the_step_and_fits():
    space = space_of(TIMELINE, 6, (6, 12, 500), (), True)
    assert set(space.ticks.tolist()) == set(range(0, TIMELINE.ticks + 1, 6))
    assert space.lengths.tolist() == [6, 12]


def test_a_fixed_note_off_the_grid_names_its_place():
    timeline = Timeline.of_bars([Meter(0, 4, 4)] * 2, 24)
    places = fixed.SPEC.places(fixed.parse_fixed("1.25/24:C4 2.1:D4"), timeline, ())
    assert places.onsets == {timeline.pickup + 1, timeline.bar_lines[1]}
