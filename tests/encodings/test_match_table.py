"""The longest-match search against the definition of what it finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.encodings.match_table import MatchTable


def longest_by_definition(notes: list[int]) -> int:
    """Notes of the longest stretch that ends before the last note and is like the latest notes."""
    return max(
        (
            length
            for end in range(1, len(notes))
            for length in range(1, end + 1)
            if notes[end - length : end] == notes[len(notes) - length :]
        ),
        default=0,
    )


@given(notes=st.lists(st.integers(0, 2), min_size=1, max_size=20))
def test_the_longest_like_stretch_is_found_note_by_note(notes):
    matches, array, rows = MatchTable((2,), 4), np.array([notes, notes]), np.array([1])
    for last in range(len(notes)):
        if last >= matches.now.shape[1]:
            matches.grow()
        matches.begin(rows)
        like = array[rows, : last + 1] == notes[last]
        like[:, last] = False
        matches.compare(rows, ~like & False)  # a note that grows longer is compared again
        matches.compare(rows, like)
        end, length = matches.longest(last + 1)
        assert length[1] == longest_by_definition(notes[: last + 1])
        assert length[0] == 0
        if length[1]:
            assert notes[end[1] - length[1] + 1 : end[1] + 1] == notes[last - length[1] + 1 : last + 1]
    again = matches[np.array([1, 1, 0])]
    assert (again.now[1] == matches.now[1]).all()
