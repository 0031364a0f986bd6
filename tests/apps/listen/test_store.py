"""What a store promises: answers are kept once, in order, and reached by nobody else."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from melodysynthesis.apps.listen import design
from melodysynthesis.apps.listen.answers import load_answers
from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.design import Answer
from melodysynthesis.apps.listen.store import ConflictError, Store, UnknownParticipantError, hashed
from melodysynthesis.apps.listen.tables import Table
from melodysynthesis.errors import RequestError

from .conftest import SETS, SHAPE, answer_all, answer_of, fill, tunes


def rows(store, table):
    with store.engine.connect() as connection:
        return connection.execute(text(f"select count(*) from {table}")).scalar()


def test_a_test_is_found_again_with_its_melodies(store, test):
    assert store.find("listening") == test
    assert test.sets == SETS
    assert test.shape == SHAPE
    assert [store.melody(number) for number in sorted(numbers(store))][: SHAPE.sizes[0]] == list(tunes(SHAPE.sizes[0]))


def numbers(store):
    with store.engine.connect() as connection:
        return connection.execute(text("select id from listen_melody")).scalars().all()


def test_names_are_unique_and_needed_where_there_are_several(store, test):
    with pytest.raises(RequestError, match="already: choose another --name"):
        fill(store)
    fill(store, "another")
    assert store.names() == ["listening", "another"]
    with pytest.raises(RequestError, match="which listening test: listening, another"):
        store.find(None)
    with pytest.raises(RequestError, match="did you mean listening"):
        store.find("listenin")


def test_everybody_gets_the_trials_of_their_number(store, test):
    tokens = [store.join(test) for _ in range(3)]
    assert len({*tokens}) == 3
    for number, participant in enumerate(load_answers(store.engine, test)):
        assert [line.trial for line in participant.trials] == design.trials(SHAPE, number)
        assert all(line.answer is None for line in participant.trials)


def test_answers_are_kept_in_order_until_the_end(store, test):
    token = store.join(test)
    total = store.progress(test, token).total
    for place in range(total):
        standing = store.progress(test, token)
        assert (standing.done, standing.turn.place) == (place, place)
        store.answer(test, token, place, answer_of(standing.turn), 1.5)
    assert store.progress(test, token) == (total, total, None)
    (participant,) = load_answers(store.engine, test)
    assert all(line.answer and line.seconds == 1.5 for line in participant.trials)
    assert [line.answered_at for line in participant.trials] == sorted(line.answered_at for line in participant.trials)
    assert participant.trials[0].answered_at.tzinfo is not None


def test_an_answer_sent_again_is_kept_once_and_another_is_refused(store, test):
    token = store.join(test)
    turn = store.progress(test, token).turn
    said = answer_of(turn)
    first = store.answer(test, token, 0, said, 1)
    assert store.answer(test, token, 0, said, 99) == first
    with pytest.raises(ConflictError, match="otherwise before"):
        store.answer(test, token, 0, said._replace(pleasing=7), 1)
    assert rows(store, "listen_answer") == 1
    assert load_answers(store.engine, test)[0].trials[0].answer == said
    assert load_answers(store.engine, test)[0].trials[0].seconds == 1


def test_only_the_next_question_can_be_answered_and_only_as_it_asks(store, test):
    token = store.join(test)
    for place in (1, 5, 10_000):
        with pytest.raises(ConflictError, match="not the turn"):
            store.answer(test, token, place, Answer(4, 4), 1)
    for said in (Answer(), Answer(4), Answer(choice="first"), Answer(4, 4, "first")):
        with pytest.raises(RequestError, match="not an answer to a rating"):
            store.answer(test, token, 0, said, 1)
    answer_all(store, test, token)
    with pytest.raises(ConflictError, match="not the turn"):
        store.answer(test, token, store.progress(test, token).total, Answer(4, 4), 1)


def test_the_same_answer_at_the_same_time_is_kept_once(store, test):
    token = store.join(test)
    said = answer_of(store.progress(test, token).turn)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.answer(test, token, 0, said, 1), range(16)))
    assert {standing.done for standing in found} == {1}
    assert rows(store, "listen_answer") == 1


def test_many_at_the_same_time_each_get_a_number_and_lose_nothing(store, test):
    def take_part(number):
        token = store.join(test)
        answer_all(store, test, token, pleasing=1 + number % 7)
        return token

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(take_part, range(12)))
    found = load_answers(store.engine, test)
    assert all(line.answer for participant in found for line in participant.trials)
    expected = sorted(tuple(design.trials(SHAPE, number)) for number in range(12))
    assert sorted(tuple(line.trial for line in participant.trials) for participant in found) == expected
    assert {participant.name for participant in found} == {hashed(token)[:12] for token in tokens}


def test_who_leaves_leaves_nothing_and_their_trials_are_dealt_again(store, test):
    first, second = store.join(test), store.join(test)
    for token in (first, second):
        answer_all(store, test, token)
    store.leave(test, first)
    with pytest.raises(UnknownParticipantError):
        store.progress(test, first)
    with pytest.raises(UnknownParticipantError):
        store.answer(test, first, 0, Answer(4, 4), 1)
    (kept,) = load_answers(store.engine, test)
    assert kept.name == hashed(second)[:12]
    assert rows(store, "listen_trial") == rows(store, "listen_answer") == len(kept.trials)
    store.join(test)
    assert [line.trial for line in load_answers(store.engine, test)[1].trials] == design.trials(SHAPE, 0)


def test_by_code_or_name_whoever_made_the_test_deletes_one(store, test):
    tokens = [store.join(test) for _ in range(3)]
    store.leave_by_name(test, tokens[0])
    store.leave_by_name(test, hashed(tokens[1])[:12])
    assert [participant.name for participant in load_answers(store.engine, test)] == [hashed(tokens[2])[:12]]
    for nobody in (tokens[0], hashed(tokens[2])[:11], "%", "", "____________"):
        with pytest.raises(UnknownParticipantError, match="no participant's code in"):
            store.leave_by_name(test, nobody)


def test_a_token_is_of_one_test_only(store, test):
    other = fill(store, "another")
    token = store.join(test)
    for act in (store.progress, store.leave):
        with pytest.raises(UnknownParticipantError):
            act(other, token)
    with pytest.raises(UnknownParticipantError):
        store.leave_by_name(other, token)


def test_a_removed_test_leaves_nothing(store, test):
    answer_all(store, test, store.join(test))
    store.remove(test)
    assert [rows(store, table) for table in Table.metadata.tables] == [0] * len(Table.metadata.tables)


def test_the_token_itself_is_nowhere_kept(tmp_path):
    with opened(str(tmp_path / "a.sqlite"), make=True) as engine:
        store = Store(engine)
        token = store.join(fill(store))
    data = bytes_in(tmp_path)
    assert hashed(token).encode() in data
    assert token.encode() not in data


def test_what_is_deleted_is_not_in_the_file_any_more(tmp_path):
    with opened(str(tmp_path / "a.sqlite"), make=True) as engine:
        store = Store(engine)
        test = fill(store)
        token = store.join(test)
        store.leave(test, token)
    assert hashed(token).encode() not in bytes_in(tmp_path)  # the log too was written back as it was closed


def bytes_in(folder):
    return b"".join(file.read_bytes() for file in folder.iterdir())
