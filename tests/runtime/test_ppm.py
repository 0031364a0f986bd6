"""Laws of the PPM model: a distribution; its memory is what counting from scratch gives; its file gives it back."""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from melodysynthesis.encodings import EventEncoding, token_ids
from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.evaluation.evaluate import evaluate
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime import escapes, short_term, trie
from melodysynthesis.runtime.ngram import train_ngram
from melodysynthesis.runtime.ppm import (
    BIASES,
    IDYOM,
    CountSettings,
    Mix,
    Settings,
    exclude,
    load_ppm,
    surer_mean,
    train_ppm,
)
from tests.runtime.songs import GRID, damaged, logits_along, random_song, random_songs

SIZE = len(GRID.vocabulary)
NOTES = st.lists(st.integers(1, SIZE - 1), min_size=1, max_size=25)


class Counting:
    """PPM's counts by the book: for each context of a melody, how often which token followed."""

    def __init__(self, order, exclusion):
        self.order, self.exclusion = order, exclusion
        self.counts = defaultdict(Counter)

    def learn(self, ids):
        for place in range(1, len(ids)):
            for length in range(min(self.order, place), -1, -1):
                followers = self.counts[tuple(ids[place - length : place])]
                known = ids[place] in followers
                followers[ids[place]] += 1
                if known and self.exclusion:
                    break
        return self

    def probabilities(self, past, escape):
        mixed = np.full(SIZE, 1 / SIZE)
        for length in range(min(self.order, len(past)) + 1):
            followers = self.counts.get(tuple(past[len(past) - length :]))
            if followers:
                counts = np.array([followers[token] for token in range(SIZE)])
                method = escapes.METHODS[escape]
                leave = method.weight(*(np.array([n]) for n in (counts.sum(), len(followers), (counts == 1).sum())))[0]
                known = np.where(counts > 0, counts - method.discount, 0)
                mixed = (1 - leave) * known / known.sum() + leave * mixed
        return mixed


@pytest.fixture(scope="module")
def songs():
    return random_songs()


@pytest.fixture(scope="module")
def engines(songs):
    return {
        mix: train_ppm(songs, GRID, Settings(CountSettings(5), CountSettings(4, exclusion=True), mix)) for mix in Mix
    }


def after(engine, ids):
    """Logits (vocabulary,) after a sequence, counted from scratch."""
    logits, state = engine.init(1)
    for token in ids[1:]:
        logits, state = engine.step(np.array([token]), state)
    return logits[0]


def loss(settings, train, test):
    """Nats per token of some songs of like length, stepped side by side, after training on others."""
    logits, state = (engine := train_ppm(train, GRID, settings)).init(len(test))
    total = 0.0
    for column in test.T[1:]:
        total -= logits[np.arange(len(test)), column].sum()
        logits, state = engine.step(column, state)
    return total / test[:, 1:].size


@pytest.mark.parametrize("exclusion", [False, True])
@pytest.mark.parametrize("escape", escapes.METHODS)
@runs(max_examples=12)
@given(notes=NOTES)
def test_the_short_term_model_is_counting_by_the_book(escape, exclusion, notes):
    ids = [GRID.start_id, *notes, GRID.start_id]
    settings = Settings(CountSettings(0), CountSettings(3, escape, exclusion), Mix.SHORT)
    engine = train_ppm([token_ids(GRID, ["/", "60", "/"])], GRID, settings)
    expected = []
    for place in range(1, len(ids)):
        past = ids[:place]
        expected.append(Counting(3, exclusion).learn(past).probabilities(past, escape))
    np.testing.assert_allclose(np.exp(logits_along(engine, ids).astype(float)), expected, rtol=1e-5)


@pytest.mark.parametrize("escape", escapes.METHODS)
@pytest.mark.parametrize("exclusion", [False, True])
def test_the_long_term_model_is_counting_by_the_book(songs, escape, exclusion):
    ids = songs[0].tolist()
    engine = train_ppm([songs[0]], GRID, Settings(CountSettings(3, escape, exclusion), mix=Mix.LONG))
    counting = Counting(3, exclusion).learn(ids)
    expected = [counting.probabilities(ids[:place], escape) for place in range(1, len(ids))]
    np.testing.assert_allclose(np.exp(logits_along(engine, ids).astype(float)), expected, rtol=1e-5)


def test_update_exclusion_keeps_the_counts_of_the_longest_contexts(songs):
    levels = trie.count(songs, SIZE, 3)
    excluded = exclude(levels, SIZE)
    np.testing.assert_array_equal(excluded[-1].counts, levels[-1].counts)
    for level, fewer in zip(levels[:-1], excluded[:-1], strict=True):
        assert (fewer.counts > 0).all()
        assert (fewer.counts <= level.counts).all()
        assert fewer.counts.sum() < level.counts.sum()


@pytest.mark.parametrize("mix", Mix)
@runs(max_examples=12)
@given(notes=NOTES)
def test_probabilities_sum_to_one_and_none_is_zero(engines, mix, notes):
    rows = np.exp(logits_along(engines[mix], [GRID.start_id, *notes, GRID.start_id]).astype(float))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    assert rows.min() > 0


@pytest.mark.parametrize("mix", Mix)
def test_a_batch_gives_what_each_sequence_gives_alone(engines, songs, mix):
    batch = np.stack(songs[:6])
    logits, state = engines[mix].init(len(batch))
    for column in batch.T[1:-1]:
        logits, state = engines[mix].step(column, state)
    np.testing.assert_allclose(logits, [logits_along(engines[mix], ids)[-1] for ids in batch], rtol=1e-6)


@pytest.mark.parametrize("mix", Mix)
def test_selected_copies_go_their_own_ways(engines, songs, mix):
    engine, batch = engines[mix], np.stack(songs[:4])
    _, state = engine.init(len(batch))
    for column in batch.T[1:30]:
        _, state = engine.step(column, state)
    chosen, rows = engine.select(state, np.array([3, 3, 0])), batch[[3, 3, 0], :30]
    ways = np.array([token_ids(GRID, way.split()) for way in ("60 64 60", "62 60 62", "_ r 60")])
    for column in ways.T:
        logits, chosen = engine.step(column, chosen)
    expected = [after(engine, [*row, *way]) for row, way in zip(rows, ways, strict=True)]
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    _, state = engine.step(batch[:, 30], state)  # the old state stays good
    logits, _ = engine.step(batch[:, 31], state)
    np.testing.assert_allclose(logits, [after(engine, ids[:32]) for ids in batch], rtol=1e-6)


def test_what_comes_later_never_changes_an_earlier_prediction(engines, songs):
    changed = songs[0].copy()
    changed[20:-1] = GRID.ids["62"]
    ours, theirs = logits_along(engines[Mix.MEAN], songs[0]), logits_along(engines[Mix.MEAN], changed)
    np.testing.assert_array_equal(ours[:20], theirs[:20])
    assert not np.array_equal(ours[20:], theirs[20:])


def test_alone_the_long_term_model_is_the_ngram(songs):
    engine = train_ppm(songs, GRID, Settings(CountSettings(5), mix=Mix.LONG))
    expected = logits_along(train_ngram(songs, GRID, 5), songs[3])
    np.testing.assert_array_equal(logits_along(engine, songs[3]), expected)


def test_before_the_first_token_a_melody_says_nothing(engines):
    np.testing.assert_allclose(engines[Mix.SHORT].init(1)[0], -np.log(SIZE), rtol=1e-6)
    np.testing.assert_array_equal(engines[Mix.UPON].init(1)[0], engines[Mix.LONG].init(1)[0])


def test_in_a_stream_the_short_term_model_forgets_at_a_delimiter(engines, songs):
    engine = engines[Mix.SHORT]
    np.testing.assert_array_equal(after(engine, [*songs[0], *songs[1][1:20]]), after(engine, songs[1][:20]))


def test_the_memory_of_a_long_stream_is_bounded(monkeypatch):
    monkeypatch.setattr(short_term, "SPAN", 8)
    history = short_term.begin(np.array([0]))
    for token in [1, 2, 3] * 5:
        history = short_term.advance(history, np.array([token]), 0)
    assert {array.shape for array in history} == {(1, 8)}
    assert history.tokens[0].tolist() == [2, 3, 1, 2, 3, 1, 2, 3]
    assert history.match_lengths[0].tolist() == [0, 0, 9, 0, 0, 12, 0, 0]


def test_the_mean_weighs_by_entropy():
    rng = np.random.default_rng(1)
    sure, unsure = rng.dirichlet(np.full(6, 0.2), 50) + 1e-9, rng.dirichlet(np.full(6, 50.0), 50)
    even, trusting = np.exp(surer_mean(sure, unsure, [0, 200]).astype(float))
    plain = np.sqrt(sure * unsure)
    np.testing.assert_allclose(even, plain / plain.sum(axis=1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(trusting, sure, atol=1e-3)
    np.testing.assert_allclose(np.exp(surer_mean(sure, sure, [1]))[0], sure, rtol=1e-4, atol=1e-6)


def test_a_tune_that_repeats_itself_is_predicted_better_with_the_short_term_model():
    rng = np.random.default_rng(3)
    motifs = [rng.choice(GRID.vocabulary[3:], 6) for _ in range(30)]
    songs = np.array([token_ids(GRID, ["/", *np.tile(motif, 4), "/"]) for motif in motifs])
    losses = {
        mix: loss(Settings(CountSettings(4), CountSettings(4, exclusion=True), mix), songs[:20], songs[20:])
        for mix in Mix
    }
    assert losses[Mix.MEAN] < 0.8 * losses[Mix.LONG]
    assert losses[Mix.UPON] < 0.8 * losses[Mix.LONG]


def test_fitted_escapes_predict_unknown_songs_better_than_those_of_a_formula():
    rng = np.random.default_rng(4)
    songs = np.array([random_song(rng, 30) for _ in range(60)])
    by_formula = Settings(replace(IDYOM.long_term, order=6), replace(IDYOM.short_term, order=6))
    fitted = Settings(CountSettings(6), CountSettings(6, exclusion=True))
    assert loss(fitted, songs[:50], songs[50:]) < loss(by_formula, songs[:50], songs[50:])


@pytest.mark.parametrize("mix", [Mix.MEAN, Mix.UPON])
def test_training_is_deterministic_and_the_file_gives_the_model_back(songs, tmp_path, mix):
    path = tmp_path / "model.npz"
    settings = Settings(CountSettings(4, exclusion=True), CountSettings(3), mix)
    engine = train_ppm(songs, GRID, settings)
    engine.save(path)
    back = load_ppm(path)
    np.testing.assert_array_equal(logits_along(back, songs[3]), logits_along(engine, songs[3]))
    assert (back.card, back.settings, back.fit.bias) == (engine.card, settings, engine.fit.bias)
    assert back.fit.bias in {*BIASES, 1.0}
    first = path.read_bytes()
    train_ppm(songs, GRID, settings).save(path)
    assert path.read_bytes() == first


def test_it_predicts_and_generates_as_any_engine():
    encoding = EventEncoding()
    notes = tuple(Note(24 * i, 24, 60 + 2 * (i % 4)) for i in range(16))
    melody = Melody(notes, 384, (Meter(0, 4, 4),), Key("C"))
    engine = train_ppm([encoding.encode(melody)] * 12, encoding)
    assert evaluate(engine, [melody] * 3).accuracy > 0.9
    request = Request(count=3, bars=4, key="C major", meter="4/4", seed=1)
    made = generate(engine, request)
    assert [one.melody.duration for one in made] == [384] * 3
    assert [one.ids for one in generate(engine, request)] == [one.ids for one in made]


def test_a_damaged_file_is_one_clear_error(songs, tmp_path):
    path = tmp_path / "model.npz"
    engine = train_ppm(songs, GRID, Settings(CountSettings(2), CountSettings(2)))
    engine.save(path)
    data = path.read_bytes()
    header = bytes(np.load(path)["header"])
    excluding = header.replace(b'"exclusion": false', b'"exclusion": true')
    for bad in (
        b"", b"PK\x03\x04 nothing", data[: len(data) // 2], damaged(data, tokens=np.array([1])),
        *(damaged(data, header=np.frombuffer(header.replace(*change), np.uint8)) for change in (
            (b'"version": 1', b'"version": 9'), (b'"fitted"', b'"magic"'), (b'"order": 2', b'"order": 99'),
            (b'"mix": "mean"', b'"mix": "soup"'), (b'"bias": ', b'"bias": -'), (b'"bias": ', b'"bias": NaN, "x": '),
            (b'"settings"', b'"setting"'), (b'"exclusion"', b'"inclusion"'),
        )),
        damaged(data, short_term=np.zeros((3, escapes.CLASSES))), damaged(data, long_term=np.ones((3, 4)) / 2),
        damaged(data, short_term=np.full((2, escapes.CLASSES), 0.5)),
        damaged(data, keys=np.zeros(4)), damaged(
            data,
            header=np.frombuffer(excluding, np.uint8),
            counts=np.ones_like(np.load(path)["counts"]),
        ),
    ):  # fmt: skip
        path.write_bytes(bad)
        with pytest.raises(ModelError, match=r"model\.npz: not a PPM model, or damaged: [^\n]+$"):
            load_ppm(path)
    path.write_bytes(damaged(data, header=np.array([{"a": 1}], object)))
    with pytest.raises(ModelError, match="damaged"):  # a pickle is refused, not run
        load_ppm(path)


def test_an_ngrams_file_is_not_taken_for_one(songs, tmp_path: Path):
    path = tmp_path / "ngram.npz"
    train_ngram(songs, GRID, 2).save(path)
    with pytest.raises(ModelError, match="it says 'melodysynthesis ngram'"):
        load_ppm(path)


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(TrainingError, match="escape method 'Z' is not one of fitted, A, AX, C, D"):
        CountSettings(escape="Z")
    with pytest.raises(TrainingError, match="not between 0 and 64"):
        CountSettings(order=65)
    with pytest.raises(TrainingError, match="nothing to count"):
        train_ppm([], GRID)
