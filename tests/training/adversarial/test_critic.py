"""The critic: it learns to tell, on melodies that it has not heard, and judges without regard to order or padding."""

import math

import torch

from melodysynthesis.training.adversarial.critic import margin
from melodysynthesis.training.adversarial.rollout import Melodies
from tests.training.adversarial.games import game, model, pair, tunes


def test_it_learns_to_tell_real_from_generated_on_pairs_it_has_not_heard() -> None:
    torch.manual_seed(0)
    player, held = model(), game()
    unheard = held.deal(player, tunes(40, first=500))
    losses = [held.teach(held.deal(player, tunes(24, first=24 * i))) for i in range(20)]
    assert losses[-1] < 0.8 * math.log(2)
    assert (held.margin(unheard) > 0).double().mean() > 0.8


def test_which_of_two_is_said_first_changes_the_sign_only() -> None:
    critic = game().critic.eval()
    real, made = pair()
    torch.testing.assert_close(margin(critic, real, made), -margin(critic, made, real))
    assert (margin(critic, real, real) == 0).all()


def test_what_stands_behind_the_end_is_not_heard() -> None:
    critic = game().critic.eval()
    real, _ = pair()
    short = real.rows(real.mask.sum(1) < real.mask.shape[1])
    assert len(short.ids)
    noise = torch.where(short.mask, short.targets, torch.randint(0, 300, short.targets.shape))
    torch.testing.assert_close(critic(short), critic(short._replace(targets=noise)))
    width = int(short.mask.sum(1).max())
    torch.testing.assert_close(critic(short), critic(Melodies(*(tensor[:, :width] for tensor in short))))


def test_it_hears_in_both_directions() -> None:
    critic = game().critic.eval()
    real, _ = pair()
    for place in (0, int(real.mask[0].sum()) - 1):
        other = real.targets.clone()
        other[0, place] = (other[0, place] + 1) % 300
        assert critic(real._replace(targets=other))[0] != critic(real)[0]


def test_one_hot_weights_are_the_tokens() -> None:
    critic = game().critic.eval()
    real, _ = pair()
    told = torch.nn.functional.one_hot(real.targets, critic.tokens.num_embeddings).float()
    torch.testing.assert_close(critic(real, told), critic(real))


def test_packing_and_unpacking_goes_on_the_same() -> None:
    one, other = game(), game(critic_first=1)
    one.teach(pair())
    other.unpack(one.pack())
    torch.manual_seed(1)
    mine = one.teach(pair(first=20))
    torch.manual_seed(1)
    assert other.teach(pair(first=20)) == mine
    assert torch.equal(one.margin(pair()), other.margin(pair()))
