"""The critic: it learns to tell real from generated on held-out melodies, whatever their order and padding."""

import math

import torch

from melodysynthesis.training.adversarial.critic import margin
from melodysynthesis.training.adversarial.rollout import Pairs, Rollout
from tests.training.adversarial.fixtures import critic_trainer, model, pairs, tunes


def test_it_learns_to_tell_real_from_generated_on_pairs_it_is_held_out() -> None:
    torch.manual_seed(0)
    player, held = model(), critic_trainer()
    held_out = held.roll_out(player, tunes(40, first=500))
    losses = [held.train_critic(held.roll_out(player, tunes(24, first=24 * i))) for i in range(20)]
    assert losses[-1] < 0.8 * math.log(2)
    assert (held.margin(held_out) > 0).double().mean() > 0.8


def test_which_of_two_comes_first_changes_the_sign_only() -> None:
    critic = critic_trainer().network.eval()
    real, made = pairs()
    torch.testing.assert_close(margin(critic, Pairs(real, made)), -margin(critic, Pairs(made, real)))
    assert (margin(critic, Pairs(real, real)) == 0).all()


def test_what_follows_the_end_is_ignored() -> None:
    critic = critic_trainer().network.eval()
    real, _ = pairs()
    short = real.rows(real.mask.sum(1) < real.mask.shape[1])
    assert len(short.ids)
    noise = torch.where(short.mask, short.targets, torch.randint(0, 300, short.targets.shape))
    torch.testing.assert_close(critic(short), critic(short._replace(targets=noise)))
    width = int(short.mask.sum(1).max())
    torch.testing.assert_close(critic(short), critic(Rollout(*(tensor[:, :width] for tensor in short))))


def test_it_reads_in_both_directions() -> None:
    critic = critic_trainer().network.eval()
    real, _ = pairs()
    for position in (0, int(real.mask[0].sum()) - 1):
        other = real.targets.clone()
        other[0, position] = (other[0, position] + 1) % 300
        assert critic(real._replace(targets=other))[0] != critic(real)[0]


def test_one_hot_weights_are_the_tokens() -> None:
    critic = critic_trainer().network.eval()
    real, _ = pairs()
    one_hot = torch.nn.functional.one_hot(real.targets, critic.tokens.num_embeddings).float()
    torch.testing.assert_close(critic(real, one_hot), critic(real))


def test_packing_and_unpacking_goes_on_the_same() -> None:
    one, other = critic_trainer(), critic_trainer(critic_first=1)
    one.train_critic(pairs())
    other.unpack(one.pack())
    torch.manual_seed(1)
    mine = one.train_critic(pairs(first=20))
    torch.manual_seed(1)
    assert other.train_critic(pairs(first=20)) == mine
    assert torch.equal(one.margin(pairs()), other.margin(pairs()))
