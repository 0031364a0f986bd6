"""Laws that hold for every encoding in the table."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from melodysynthesis.encodings import ENCODINGS, Encoding, Header, encoding_from, header_of
from melodysynthesis.errors import EncodingError
from melodysynthesis.formats.grid import STEP_TICKS
from melodysynthesis.music import Melody
from tests.strategies import melodies

encodings = pytest.mark.parametrize(
    "encoding", [encoding_from({"name": name}) for name in ENCODINGS], ids=list(ENCODINGS)
)


def sung(melody: Melody) -> Melody:
    """The melody within the range of a voice, so that most of what is drawn can be said."""
    return replace(melody, notes=tuple(note._replace(pitch=55 + note.pitch % 24) for note in melody.notes))


anything = melodies() | melodies(step=STEP_TICKS, min_notes=1).map(sung)


def sayable(encoding: Encoding, melody: Melody) -> Melody:
    """What of a melody the encoding keeps: everything, or for grid all but phrases and changes of meter."""
    if encoding.has_header:
        return melody
    return replace(melody, meters=melody.meters[:1], phrase_ends=())


def accepted(encoding: Encoding, melody: Melody) -> bool:
    """Whether the encoding says it can say the melody. What it must accept is tested by name elsewhere."""
    try:
        encoding.encode(melody)
    except EncodingError:
        return False
    return True


@encodings
@given(melody=anything)
def test_decoding_what_was_encoded_gives_the_melody_or_it_is_rejected_by_name(encoding, melody):
    if accepted(encoding, melody):
        assert encoding.decode(encoding.encode(melody), header_of(melody)) == sayable(encoding, melody)
    else:
        with pytest.raises(EncodingError, match=r"note|pitch|duration|onset|last"):
            encoding.encode(melody)


@encodings
@given(melody=anything)
def test_the_grammar_allows_every_melody_and_ends_with_it(encoding, melody):
    if not accepted(encoding, melody):
        return
    ids = encoding.encode(melody)
    assert ids[0] == encoding.start_id
    context = encoding.start(1, header_of(melody))
    for token in ids[1:]:
        assert not context.done[0]
        assert context.allowed()[0, token], encoding.vocabulary[token]
        context.advance(np.array([token]))
    assert context.done[0]
    assert context.tick[0] == melody.duration


@encodings
@given(melody=anything)
def test_the_body_is_what_stands_between_frame_and_end(encoding, melody):
    if accepted(encoding, melody):
        ids, body = encoding.encode(melody), encoding.body(melody)
        assert ids[-1 - len(body) : -1].tolist() == body.tolist()


@encodings
@given(melody=anything)
def test_a_context_of_many_is_many_contexts_of_one(encoding, melody):
    """Batching and selecting change nothing: the row that follows the melody is as if it were alone."""
    if not accepted(encoding, melody):
        return
    ids = encoding.encode(melody)
    alone, many = encoding.start(1), encoding.start(3)
    for token in ids[1:]:
        assert (many.features()[2] == alone.features()[0]).all()
        others = many.allowed()[:2].argmax(axis=1)
        alone.advance(np.array([token]))
        many.advance(np.array([*others, token]))
    chosen = many.select(np.array([2, 2, 0]))
    assert (chosen.features()[:2] == alone.features()).all()
    assert chosen.tick.tolist() == [alone.tick[0], alone.tick[0], many.tick[0]]


@encodings
def test_a_melody_without_notes_is_rejected(encoding):
    with pytest.raises(EncodingError, match="no note"):
        encoding.encode(Melody((), 24))


@encodings
def test_ids_that_are_no_melody_are_rejected(encoding):
    with pytest.raises(EncodingError, match="token 1"):
        encoding.decode([])
    with pytest.raises(EncodingError, match="token 2"):
        encoding.decode([encoding.start_id, 10**6])


@encodings
def test_the_description_makes_the_encoding_again(encoding):
    again = encoding_from(encoding.description())
    assert again.vocabulary == encoding.vocabulary
    assert again.features == encoding.features


def test_an_unknown_encoding_suggests_the_nearest():
    with pytest.raises(EncodingError, match="did you mean event"):
        encoding_from({"name": "evnt"})
    with pytest.raises(EncodingError, match="grid"):
        encoding_from({"name": "grid", "colour": "red"})


@encodings
@given(melody=anything)
def test_a_frame_leaves_the_melodies_that_stand_in_it(encoding, melody):
    """Whatever part of its header is asked for, a melody stays possible."""
    if not accepted(encoding, melody):
        return
    whole = header_of(melody)
    for header in (
        Header(key=whole.key),
        Header(meter=whole.meter, pickup=whole.pickup),
        Header(bars=whole.bars),
    ):
        context = encoding.start(1, header)
        for token in encoding.encode(melody)[1:]:
            assert context.allowed()[0, token]
            context.advance(np.array([token]))
