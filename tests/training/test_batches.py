from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from melodysynthesis.encodings import ENCODINGS, Encoding, encoding_from
from melodysynthesis.errors import EncodingError, TrainingError
from melodysynthesis.formats.grid import STEP_TICKS
from melodysynthesis.music import Melody
from melodysynthesis.training.batches import WIDTH_MULTIPLE, Batch, Songs, Stream
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.data import Sequences, encode, from_ids, from_text
from melodysynthesis.training.run import batches as as_batches
from tests.strategies import melodies
from tests.training.songs import EVENT, GRID, song, songs

every_encoding = pytest.mark.parametrize("encoding", [encoding_from({"name": n}) for n in ENCODINGS], ids=ENCODINGS)


def by_generation(encoding: Encoding, ids: np.ndarray) -> np.ndarray:
    """Features as generation would see them: one sequence, one token at a time."""
    context = encoding.start(1)
    rows = [context.features()[0]]
    for token in ids[1:]:
        context.advance(np.array([token]))
        rows.append(context.features()[0])
    return np.array(rows)


@every_encoding
def test_training_sees_the_features_that_generation_sees(encoding: Encoding) -> None:
    made = encode(encoding, songs(9))
    for start, stop in zip(made.starts, made.starts[1:], strict=False):
        np.testing.assert_array_equal(made.features[start:stop], by_generation(encoding, made.ids[start:stop]))


def within_range(melody: Melody) -> Melody:
    """The melody with pitches that every encoding can write."""
    return replace(melody, notes=tuple(note._replace(pitch=55 + note.pitch % 24) for note in melody.notes))


@pytest.mark.parametrize(
    ("encoding", "drawn"),
    [(EVENT, melodies(min_notes=1)), (GRID, melodies(step=STEP_TICKS, min_notes=1, max_notes=8).map(within_range))],
    ids=("event", "grid"),
)
@given(data=st.data(), others=st.integers(0, 3), share=st.floats(0, 1))
def test_features_are_functions_of_the_past(
    encoding: Encoding, drawn: st.SearchStrategy[Melody], data: st.DataObject, others: int, share: float
) -> None:
    try:
        ids = encoding.encode(data.draw(drawn))
    except EncodingError:
        reject()  # hypothesis draws another melody, and fails if most are refused
    cut = 1 + int(share * (len(ids) - 1))
    around = [encoding.encode(song) for song in songs(others)]
    whole, prefix = from_ids(encoding, [ids, *around]), from_ids(encoding, [ids[:cut]])
    np.testing.assert_array_equal(prefix.features, whole.features[:cut])


def test_features_are_stored_small() -> None:
    for encoding in (EVENT, GRID):
        assert encode(encoding, songs(2)).features.dtype == np.uint8


def pairs(batch: Batch) -> list[tuple[int, int]]:
    """What is seen and what should be predicted, at every position that counts."""
    return list(zip(batch.ids[batch.mask].tolist(), batch.targets[batch.mask].tolist(), strict=True))


def expected(sequences: Sequences) -> list[tuple[int, int]]:
    return sorted(
        (int(a), int(b))
        for start, stop in zip(sequences.starts, sequences.starts[1:], strict=False)
        for a, b in zip(sequences.ids[start : stop - 1], sequences.ids[start + 1 : stop], strict=True)
    )


@pytest.mark.parametrize("max_length", [1024, 7])
@pytest.mark.parametrize("seed", [None, 3])
def test_an_epoch_of_songs_predicts_every_token_once(max_length: int, seed: int | None) -> None:
    made = encode(EVENT, songs(11))
    source = Songs(made, 4, max_length, seed)
    found = list(source.epoch(0))
    assert len(found) == source.count(0)
    assert sorted(pair for batch in found for pair in pairs(batch)) == expected(made)
    assert all(batch.ids.shape[1] <= max_length for batch in found)


def test_an_epoch_of_a_stream_predicts_every_token_but_the_lanes_rest() -> None:
    made = encode(GRID, songs(20))
    source = Stream(made, lanes=4, steps=10)
    found = list(source.epoch(0))
    assert len(found) == source.count(0)
    lanes = np.concatenate([batch.ids for batch in found], axis=1)
    flat = made.ids[: lanes.size].reshape(4, -1)
    np.testing.assert_array_equal(lanes, flat)
    predicted = np.concatenate([batch.targets for batch in found], axis=1)
    np.testing.assert_array_equal(predicted[:, :-1], lanes[:, 1:])


def test_a_stream_does_not_predict_start_tokens() -> None:
    made = encode(GRID, songs(6))
    for batch in Stream(made, 2, 1000).epoch(0):
        before_start = (batch.ids == GRID.start_id) & (batch.targets == GRID.start_id)
        assert before_start.any()
        assert not batch.mask[before_start].any()


def test_windows_are_a_stream_whose_state_begins_anew() -> None:
    made, config = encode(GRID, songs(20)), TrainingConfig(batch_size=4, steps=10, seed=3)
    stream, windows = (as_batches(replace(config, mode=mode), made, shuffled=True) for mode in ("stream", "windows"))
    for carried, alone in zip(stream.epoch(1), windows.epoch(1), strict=True):
        np.testing.assert_array_equal(carried.ids, alone.ids)
        assert (carried.carries, alone.carries) == (True, False)


@pytest.mark.parametrize("kind", ["songs", "stream"])
def test_an_epoch_is_a_function_of_seed_and_number(kind: str) -> None:
    made = encode(GRID, songs(30))

    def epoch(number: int, seed: int = 1, skip: int = 0) -> list[bytes]:
        source = Songs(made, 4, seed=seed) if kind == "songs" else Stream(made, 4, 16, seed)
        return [batch.ids.tobytes() + batch.targets.tobytes() for batch in source.epoch(number, skip)]

    assert epoch(0) == epoch(0)
    assert epoch(0) != epoch(1)
    assert epoch(0) != epoch(0, seed=2)
    assert epoch(1)[3:] == epoch(1, skip=3)


def test_songs_of_like_length_share_a_batch() -> None:
    made = encode(EVENT, songs(200))
    found = list(Songs(made, 8, seed=0).epoch(0))
    used = sum(batch.mask.sum() for batch in found) / sum(batch.mask.size for batch in found)
    assert used > 0.8, "these songs are short: half a multiple of 8 is much to them"


def test_parts_of_a_batch_are_the_batch() -> None:
    batch = next(Songs(encode(EVENT, songs(7)), 7).epoch(0))
    parts = [batch.part(i, 3) for i in range(3)]
    assert sorted(pair for part in parts for pair in pairs(part)) == sorted(pairs(batch))
    assert parts[-1].ids.shape[1] < batch.ids.shape[1], "the short songs at the end need no columns of padding"


def test_batches_have_few_widths() -> None:
    widths = {batch.ids.shape[1] for batch in Songs(encode(EVENT, songs(60)), 4, seed=0).epoch(0)}
    assert all(width % WIDTH_MULTIPLE == 0 for width in widths)
    assert len(widths) < 15


def test_more_parts_than_rows_leave_some_that_count_for_nothing() -> None:
    batch = next(Songs(encode(EVENT, songs(2)), 2).epoch(0))
    parts = [batch.part(i, 4) for i in range(4)]
    assert sum(part.mask.sum() for part in parts) == batch.mask.sum()
    assert all(len(part.ids) == 1 for part in parts)


def test_nothing_to_train_on_is_told() -> None:
    nothing = from_ids(GRID, [])
    with pytest.raises(TrainingError, match="nothing to train on"):
        Songs(nothing, 4)
    with pytest.raises(TrainingError, match="0 tokens are too few for a batch_size of 4"):
        Stream(nothing, 4, 8)


def test_a_text_is_for_grid() -> None:
    with pytest.raises(TrainingError, match="needs the encoding 'grid', not 'event'"):
        from_text(EVENT, np.zeros(9, np.int64))


@pytest.mark.parametrize("first", [0, 3])
def test_features_of_a_text_are_those_of_generation(first: int) -> None:
    ids = np.concatenate([[0] * 5, GRID.encode(song(1)), [0] * 70, GRID.encode(song(2)), GRID.body(song(3))])[first:]
    made = from_text(GRID, ids)
    np.testing.assert_array_equal(made.ids, ids)
    assert made.starts.tolist() == [0, len(ids)]
    np.testing.assert_array_equal(made.features, by_generation(GRID, np.concatenate([[GRID.start_id], ids]))[1:])
