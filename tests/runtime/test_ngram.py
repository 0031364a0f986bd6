"""Laws of the n-gram model: it is a distribution, it only looks back, its file gives it back."""

from itertools import pairwise

import numpy as np
import pytest

from melodysynthesis.encodings import EventEncoding, token_ids
from melodysynthesis.errors import EncodingError, FormatError, ModelError, TrainingError
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.constant import train_constant
from melodysynthesis.runtime.ngram import load_ngram, train_ngram
from melodysynthesis.runtime.trie import MAX_ORDER
from tests.runtime.songs import GRID, damaged, logits_along, random_songs


@pytest.fixture(scope="module")
def songs():
    return random_songs()


@pytest.mark.parametrize("order", [0, 1, 3, 16])
def test_probabilities_sum_to_one_and_none_is_zero(songs, order):
    engine = train_ngram(songs, GRID, order)
    rows = np.exp(logits_along(engine, songs[0]).astype(float))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    assert rows.min() > 0
    unseen = np.exp(logits_along(engine, token_ids(GRID, ["/", "65", "63", "65", "r", "63", "/"])).astype(float))
    np.testing.assert_allclose(unseen.sum(axis=1), 1, atol=1e-6)
    assert unseen.min() > 0


def test_what_comes_later_never_changes_an_earlier_prediction(songs):
    engine = train_ngram(songs, GRID, 4)
    changed = songs[0].copy()
    changed[20:-1] = GRID.ids["62"]
    ours, theirs = logits_along(engine, songs[0]), logits_along(engine, changed)
    np.testing.assert_array_equal(ours[:20], theirs[:20])
    assert not np.array_equal(ours[20:], theirs[20:])


def test_a_batch_gives_what_each_sequence_gives_alone(songs):
    engine = train_ngram(songs, GRID, 5)
    batch = np.stack(songs[:8])
    logits, state = engine.init(len(batch))
    for place, column in enumerate(batch.T[1:-1], 1):
        logits, state = engine.step(column, state)
        if place == 30:
            back = np.array([3, 3, 0])
            chosen = engine.select(state, back)
            again, _ = engine.step(batch[back, 31], chosen)
            expected = np.array([logits_along(engine, batch[row])[31] for row in back])
            np.testing.assert_array_equal(again, expected)
    np.testing.assert_array_equal(logits, [logits_along(engine, ids)[-1] for ids in batch])


def test_order_zero_is_the_frequency_of_each_token(songs):
    engine = train_ngram(songs, GRID, 0)
    predicted = np.concatenate([ids[1:] for ids in songs])
    frequency = np.bincount(predicted, minlength=len(GRID.vocabulary)) / len(predicted)
    np.testing.assert_allclose(np.exp(engine.init(1)[0][0].astype(float)), frequency, atol=0.01)


def test_witten_bell_by_hand():
    # One block, so nothing is held out. After the start 60; 60 is followed by 62, 62 and the end.
    ids = token_ids(GRID, ["/", "60", "62", "60", "62", "60", "/"])
    engine = train_ngram([ids], GRID, 1)
    after_60 = np.exp(logits_along(engine, ids)[1].astype(float))
    size = len(GRID.vocabulary)
    # order 0: 60 three times, 62 twice, / once: 3 different of 6 in all, a class whose upper end is 8
    escape_0, escape_1 = 3 / (3 + 8), 2 / (2 + 4)
    order_0 = (1 - escape_0) * 2 / 6 + escape_0 / size
    assert after_60[GRID.ids["62"]] == pytest.approx((1 - escape_1) * 2 / 3 + escape_1 * order_0)


def test_a_longer_context_predicts_held_out_songs_of_long_patterns_better():
    rng = np.random.default_rng(2)
    motifs = [rng.choice(GRID.vocabulary[3:], 6) for _ in range(8)]
    songs = [
        token_ids(GRID, ["/", *np.concatenate([motifs[i] for i in rng.integers(0, 8, 12)]), "/"]) for _ in range(80)
    ]
    losses = []
    for order in (0, 1, 3, 6):
        engine = train_ngram(songs[:60], GRID, order)
        rows = [logits_along(engine, ids)[np.arange(len(ids) - 1), ids[1:]] for ids in songs[60:]]
        losses.append(-np.concatenate(rows).mean())
    assert all(longer < shorter for shorter, longer in pairwise(losses))


def test_training_is_deterministic_and_the_file_gives_the_model_back(songs, tmp_path):
    path = tmp_path / "model.npz"
    engine = train_ngram(songs, GRID, 6)
    engine.save(path)
    back = load_ngram(path)
    np.testing.assert_array_equal(logits_along(back, songs[3]), logits_along(engine, songs[3]))
    assert back.card == engine.card
    assert back.encoding.description() == GRID.description()
    first = path.read_bytes()
    train_ngram(songs, GRID, 6).save(path)
    assert path.read_bytes() == first


def test_it_reads_the_event_encoding_too():
    encoding = EventEncoding()
    notes = tuple(Note(24 * i, 24, 60 + 2 * (i % 4)) for i in range(16))
    ids = encoding.encode(Melody(notes, 384, (Meter(0, 4, 4),), Key("C")))
    engine = train_ngram([ids] * 12, encoding, order=40)
    rows = logits_along(engine, ids)
    assert (rows.argmax(axis=1) == ids[1:]).all()


def test_a_damaged_file_is_one_clear_error(songs, tmp_path):
    path = tmp_path / "model.npz"
    train_ngram(songs, GRID, 2).save(path)
    data = path.read_bytes()
    for bad in (
        b"", b"PK\x03\x04 nothing", data[: len(data) // 2], damaged(data, tokens=np.array([1])),
        damaged(data, header=np.frombuffer(b'{"format": "other", "version": 1}', np.uint8)),
        damaged(data, header=np.frombuffer(b"not json", np.uint8)),
        damaged(data, weights=np.zeros((3, 60))),
    ):  # fmt: skip
        path.write_bytes(bad)
        with pytest.raises(ModelError, match=r"model\.npz: .*n-gram model"):
            load_ngram(path)
    path.write_bytes(damaged(data, header=np.array([{"a": 1}], object)))
    with pytest.raises(ModelError, match="damaged"):  # a pickle is refused, not run
        load_ngram(path)
    with pytest.raises(FormatError, match="no such file"):
        load_ngram(tmp_path / "other.npz")


def test_nothing_to_count_and_bad_orders_are_refused(songs):
    with pytest.raises(TrainingError, match="nothing to count"):
        train_ngram([token_ids(GRID, ["/"])], GRID)
    with pytest.raises(TrainingError, match="nothing to count"):
        train_constant([], GRID)
    with pytest.raises(TrainingError, match=f"not between 0 and {MAX_ORDER}"):
        train_ngram(songs, GRID, 65)
    with pytest.raises(EncodingError, match="vocabulary has 9 tokens"):
        train_ngram([np.array([0, 9])], GRID)


def test_the_constant_rule_holds_inside_and_delimits_between():
    stream = token_ids(GRID, ("60 _ _ _ 62 _ r _ " + "/ " * 8).split() * 20)
    engine = train_constant([stream], GRID)
    answers = {int(token): GRID.vocabulary[engine.step(np.array([token]), engine.init(1)[1])[0].argmax()]
               for token in (GRID.ids["60"], GRID.ids["_"], GRID.ids["r"])}  # fmt: skip
    assert set(answers.values()) == {"_"}
    assert GRID.vocabulary[engine.init(1)[0].argmax()] == "/"
    np.testing.assert_allclose(np.exp(engine.logits.astype(float)).sum(axis=1), 1, atol=1e-6)
