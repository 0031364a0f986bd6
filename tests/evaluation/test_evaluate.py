"""Laws of the counts: perfect is free, ignorance costs log2 of the choices, the parts make up the whole."""

from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis.encodings import EventEncoding, GridEncoding, Group, Header, token_ids
from melodysynthesis.errors import CorpusError, EncodingError, ModelError
from melodysynthesis.evaluation.evaluate import evaluate, evaluate_text
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.base import ModelCard, State
from melodysynthesis.runtime.ngram import train_ngram

CARD = ModelCard("test", "test", "", "", "", 0, 0, "", {})


class Scripted:
    """An engine whose logits are any function of the tokens so far: ``rule(past) -> (vocabulary,)``."""

    def __init__(self, encoding, rule):
        self.encoding, self.rule, self.card = encoding, rule, CARD

    def init(self, batch, header=Header()):  # noqa: B008
        past = np.full((batch, 1), self.encoding.start_id)
        return self._logits(past), State(self.encoding.start(batch, header), past)

    def step(self, ids, state):
        state.context.advance(ids)
        past = np.concatenate([state.memory, ids[:, None]], axis=1)
        return self._logits(past), State(state.context, past)

    def select(self, state, indices):
        return State(state.context.select(indices), state.memory[indices])

    def _logits(self, past):
        return np.array([self.rule(tuple(row)) for row in past], np.float32)


def uniform(encoding):
    return Scripted(encoding, lambda past: np.zeros(len(encoding.vocabulary)))


def knowing(encoding, melodies, sureness=40.0):
    """Knows what comes next after every beginning of these melodies."""
    following = {}
    for melody in melodies:
        ids = tuple(encoding.encode(melody))
        following |= {ids[:place]: ids[place] for place in range(1, len(ids))}

    def rule(past):
        logits = np.zeros(len(encoding.vocabulary))
        if past in following:
            logits[following[past]] = sureness
        return logits

    return Scripted(encoding, rule)


def noise(encoding, seed=3):
    """Logits that look random but are the same after the same tokens."""
    return Scripted(
        encoding,
        lambda past: np.random.default_rng([seed, *past]).normal(0, 2, len(encoding.vocabulary)),
    )


def tune(number, bars=4):
    """A tune in 3/4 in a key of its own with a pickup, rests, phrases and a source."""
    rng = np.random.default_rng(number)
    notes, tick = [], 0
    for _ in range(3 * bars):
        notes.append(Note(tick, int(rng.choice([12, 24])), int(60 + rng.integers(0, 12))))
        tick += 24
    ends = tuple(range(72, tick + 1, 144))
    key = Key("CDEFGAB"[number % 7])
    return Melody(tuple(notes), tick, (Meter(0, 3, 4),), key, ends, 24, f"tune {number}")


TUNES = [tune(number, bars=2 + number % 3) for number in range(7)]
EVENT, GRID = EventEncoding(), GridEncoding(range(48, 80))
ENCODINGS = pytest.mark.parametrize("encoding", [EVENT, GRID], ids=["event", "grid"])


@ENCODINGS
def test_a_perfect_predictor_costs_nothing(encoding):
    found = evaluate(knowing(encoding, TUNES[:1]), TUNES[:1])
    assert found.accuracy == 1
    assert found.loss == pytest.approx(0, abs=1e-6)
    assert found.total_bits_per_note().value == pytest.approx(0, abs=1e-6)
    assert found.ranks[0] == found.tokens.sum()
    assert found.calibration_error == pytest.approx(0, abs=1e-6)


@ENCODINGS
def test_the_notes_are_the_melodies_notes_whatever_the_encoding(encoding):
    found = evaluate(uniform(encoding), TUNES)
    assert found.notes.tolist() == [len(melody) for melody in TUNES]
    assert found.sources == tuple(melody.source for melody in TUNES)


def test_knowing_nothing_costs_the_logarithm_of_the_choices():
    melody = tune(3, bars=2)
    found = evaluate(uniform(GRID), [melody])
    ids, size = GRID.encode(melody), len(GRID.vocabulary)
    expected = np.log2(size - 2) + (len(ids) - 2) * np.log2(size)  # no hold and no end at the beginning
    assert found.music_bits.sum() == pytest.approx(expected)
    assert found.loss == pytest.approx(np.log(size))


def test_marks_and_what_is_given_are_renormalised_out():
    # With 68 pitches, a rest, a tie and the end to choose from, marks and meters set aside.
    notes = tuple(Note(24 * i, 24, 60) for i in range(4))
    melody = Melody(notes, 96, (Meter(0, 2, 4),), Key("C"), (48, 96))
    found = evaluate(uniform(EVENT), [melody])
    pitches, durations = 68, 42
    pickup_or_bars = 129 + sum(value < 48 for value in (1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 18, 21, 24, 28, 30,
                                                        32, 36, 40, 42))  # fmt: skip
    first, then = np.log2(pitches + 1), np.log2(pitches + 3)
    assert found.music_bits.sum() == pytest.approx(
        np.log2(pickup_or_bars) + first + 3 * then + then + 4 * np.log2(durations)
    )
    choices = pitches + 3  # beside the mark; the mark itself is one more
    pays_for_a_mark, pays_for_none = np.log2(choices + 1), np.log2((choices + 1) / choices)
    assert found.phrase_bits.sum() == pytest.approx(2 * pays_for_a_mark + 2 * pays_for_none)


@ENCODINGS
def test_the_three_parts_make_up_the_likelihood_within_the_grammar(encoding):
    found = evaluate(noise(encoding), TUNES)
    total = 0.0
    for melody in TUNES:
        ids, engine = encoding.encode(melody), noise(encoding)
        logits, state = engine.init(1)
        for token in ids[1:]:
            scores = np.where(state.context.allowed()[0], logits[0].astype(float), -np.inf)
            total += np.log2(np.exp(scores).sum()) - scores[token] / np.log(2)
            logits, state = engine.step(np.array([token]), state)
    parts = found.music_bits.sum() + found.phrase_bits.sum() + found.given_bits.sum()
    assert parts == pytest.approx(total)


def test_what_is_given_costs_nothing_even_to_an_engine_that_is_sure_of_another():
    melody = replace(TUNES[0], key=Key("F#"))
    sure_of_g = np.zeros(len(EVENT.vocabulary))
    sure_of_g[EVENT.vocabulary.index("tonic:G")] = 30
    found = evaluate(Scripted(EVENT, lambda past: sure_of_g), [melody])
    assert found.music_bits.sum() == pytest.approx(evaluate(uniform(EVENT), [melody]).music_bits.sum())
    assert found.loss > evaluate(uniform(EVENT), [melody]).loss


@ENCODINGS
def test_figures_do_not_depend_on_the_batch(encoding):
    figures = [evaluate(noise(encoding), TUNES, batch=batch).figures() for batch in (1, 3, 256)]
    for other in figures[1:]:
        assert other["accuracy"] == figures[0]["accuracy"]
        assert other["bits per note"]["value"] == pytest.approx(figures[0]["bits per note"]["value"])
        assert other["phrase bits per note"]["value"] == pytest.approx(figures[0]["phrase bits per note"]["value"])


def test_counts_agree_with_one_another():
    found = evaluate(noise(EVENT), TUNES)
    assert found.confusion.sum() == found.tokens.sum() == found.ranks.sum() == found.bins[..., 0].sum()
    assert np.trace(found.confusion) == found.correct.sum() == found.ranks[0] == found.bins[..., 2].sum()
    assert found.top(len(EVENT.vocabulary)) == 1
    assert found.tokens.sum() == sum(len(EVENT.encode(melody)) - 1 for melody in TUNES)
    groups = found.by_group()
    assert sum(group["tokens"] for group in groups.values()) == found.tokens.sum()
    assert sum(group["bits per note"] for group in groups.values()) == pytest.approx(found.bits_per_note().value)


def test_progress_reaches_the_end():
    calls = []
    evaluate(uniform(GRID), TUNES, batch=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1] == evaluate(uniform(GRID), TUNES).tokens.sum()


def test_what_cannot_be_said_is_left_out_by_name_and_nothing_at_all_is_one_error():
    high = Melody((Note(0, 24, 120),), 24, source="high.mid")
    found = evaluate(uniform(GRID), [high, TUNES[0]])
    assert found.sources == ("tune 0",)
    assert found.rejected[0].startswith("high.mid: note 1")
    with pytest.raises(EncodingError, match=r"none of 1 melodies can be evaluated; the first: high\.mid"):
        evaluate(uniform(GRID), [high])
    with pytest.raises(CorpusError, match="no melody to evaluate"):
        evaluate(uniform(GRID), [])


def test_logits_that_are_no_numbers_are_reported():
    broken = Scripted(GRID, lambda past: np.full(len(GRID.vocabulary), np.nan))
    with pytest.raises(ModelError, match="not numbers"):
        evaluate(broken, TUNES[:1])


def a_text(songs=12):
    rng = np.random.default_rng(1)
    tokens = []
    for _ in range(songs):
        for _ in range(int(rng.integers(6, 14))):
            tokens += [str(rng.integers(60, 66)), "_", "_"]
        tokens += ["/"] * 64
    return token_ids(GRID, tokens)


def test_lanes_carry_the_state_as_one_walk_through_the_text_does():
    ids = a_text()
    engine = train_ngram([ids], GRID, 12)
    whole = evaluate_text(engine, ids, lanes=1)
    assert whole.tokens.sum() == len(ids) - 64
    for lanes in (3, 7):
        split = evaluate_text(engine, ids, lanes=lanes)
        assert split.loss == pytest.approx(whole.loss)
        np.testing.assert_array_equal(split.tokens, whole.tokens)


def test_a_window_as_long_as_the_models_memory_changes_nothing():
    ids = a_text(6)
    engine = train_ngram([ids], GRID, 12)
    assert evaluate_text(engine, ids, window=12).loss == pytest.approx(evaluate_text(engine, ids, lanes=1).loss)
    assert evaluate_text(engine, ids, window=2).loss > evaluate_text(engine, ids, lanes=1).loss


def test_songs_of_a_text_are_its_tunes():
    ids = a_text(5)
    found = evaluate_text(uniform(GRID), ids)
    assert len(found.sources) == 5
    assert found.notes.sum() == (GRID.groups[ids[64:]] == Group.NOTE).sum()
    assert found.bits_per_note().value == pytest.approx(found.loss * found.tokens.sum() / np.log(2) / found.notes.sum())


def test_texts_that_cannot_be_judged():
    with pytest.raises(CorpusError, match="too short"):
        evaluate_text(uniform(GRID), token_ids(GRID, ["60"] * 64))
    with pytest.raises(EncodingError, match="'event'"):
        evaluate_text(uniform(EVENT), a_text())


def test_the_names_of_groups_in_files_stay():
    from melodysynthesis.evaluation.prediction import GROUP_KEYS

    assert list(GROUP_KEYS.values()) == ["delimiter", "hold", "rest", "note", "duration", "frame"]
