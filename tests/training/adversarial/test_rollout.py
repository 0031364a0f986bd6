"""Rollouts: the primer is kept, the rest is grammatical, and the model sees what it will see when it generates."""

import numpy as np
import pytest
import torch

from melodysynthesis.encodings.event_tokens import END
from melodysynthesis.errors import TrainingError
from melodysynthesis.training.adversarial.rollout import Rollout, roll_out
from melodysynthesis.training.batches import Songs
from melodysynthesis.training.data import encode, from_ids
from melodysynthesis.training.objective import to_tensors
from tests.training.adversarial.fixtures import CPU, critic_trainer, model, pairs, tunes
from tests.training.songs import EVENT, song, songs


def tokens(melodies: Rollout, row: int) -> np.ndarray:
    """A melody's tokens from the start token on, as far as it was written."""
    return np.concatenate([[EVENT.start_id], melodies.targets[row][melodies.mask[row]].numpy()])


def test_the_primer_is_kept_and_is_the_first_bar() -> None:
    real, made = pairs()
    for row in range(len(made.ids)):
        begins = int(made.generated[row].int().argmax())
        assert torch.equal(made.targets[row, :begins], real.targets[row, :begins])
        primer = EVENT.decode(tokens(made, row)[: begins + 1])
        bar = primer.meters[0].bar_ticks
        assert primer.pickup + bar <= primer.duration < primer.pickup + 2 * bar
        assert int(real.generated[row].int().argmax()) == begins


def test_what_is_played_is_a_melody_with_whole_bars() -> None:
    _, made = pairs()
    ended = 0
    for row in range(len(made.ids)):
        melody = EVENT.decode(tokens(made, row))
        if made.targets[row][made.mask[row]][-1] == END and len(melody.meters) == 1:
            ended += 1
            assert melody.duration % melody.meters[0].bar_ticks == 0
    assert ended


def test_features_are_those_of_training() -> None:
    _, made = pairs()
    for row in range(len(made.ids)):
        ids = tokens(made, row)
        expected = from_ids(EVENT, [ids]).features[:-1]
        assert np.array_equal(made.features[row][made.mask[row]].numpy(), expected)
        assert np.array_equal(made.ids[row][made.mask[row]].numpy(), ids[:-1])


def test_tokens_are_drawn_from_what_is_allowed_only() -> None:
    _, made = pairs()
    chosen = made.allowed.gather(-1, made.targets[..., None]).squeeze(-1)
    assert chosen[made.generated].all()
    assert not made.allowed[made.generated].all()


def test_draws_follow_the_models_probabilities() -> None:
    """Of many continuations of one primer the first token is drawn as often as the model says."""
    torch.manual_seed(0)
    player = model().eval()
    with torch.no_grad():
        player.output.bias.normal_(std=2)  # type: ignore[union-attr]
    sequences = encode(EVENT, [song(3)])
    one = to_tensors(next(Songs(sequences, 1).epoch(0)), CPU)
    many = type(one)(*(None if t is None else t.expand(4000, *t.shape[1:]) for t in one))
    made = roll_out(player, EVENT, many, length=30, bars=1).generated
    position = int(made.generated[0].int().argmax())
    with torch.no_grad():
        logits, _ = player(made.ids[:1], made.features[:1])
    expected = logits[0, position].masked_fill(~made.allowed[0, position], -torch.inf).softmax(-1)
    found = torch.bincount(made.targets[:, position], minlength=len(expected)) / len(made.ids)
    assert (found - expected).abs().sum() < 0.15
    assert (found - expected).abs().max() < 4 * (0.25 / 4000) ** 0.5


def test_a_seed_repeats() -> None:
    def play() -> torch.Tensor:
        return critic_trainer().roll_out(model(), tunes(), torch.Generator().manual_seed(7)).generated.targets

    assert torch.equal(play(), play())


def test_tunes_that_begin_in_the_middle_or_end_with_the_primer_are_left_out() -> None:
    sequences = encode(EVENT, songs(6))
    cut = to_tensors(next(Songs(sequences, 100, max_length=16).epoch(0)), CPU)
    assert len(cut.ids) > 6
    assert len(critic_trainer(length=16).roll_out(model(), cut).generated.ids) <= 6
    with pytest.raises(TrainingError, match="none of 6 tunes goes on after its first 9 bars within 40 tokens"):
        critic_trainer(primer_bars=9).roll_out(model(), tunes(6))


@pytest.mark.parametrize("length", [24, 40, 400])
def test_both_are_as_long_as_was_asked_for(length: int) -> None:
    real, made = critic_trainer(length=length).roll_out(model(), tunes())
    for one, other in zip(real, made, strict=True):
        assert one.shape == other.shape
        assert one.shape[1] == length
