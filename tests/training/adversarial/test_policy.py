"""The policy-gradient estimator: clipped gains, the price of leaving, and what is in the buffer."""

from itertools import groupby

import pytest
import torch

from melodysynthesis.training.adversarial.estimators import PolicyGradient, clipped_gains, divergence, normalised
from tests.training.adversarial.fixtures import critic_trainer, model, tunes


def test_with_ratio_one_it_is_the_plain_policy_gradient() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 7, requires_grad=True)
    advantages, targets = torch.randn(5), torch.randint(0, 7, (5,))

    def log_probs() -> torch.Tensor:
        return logits.log_softmax(-1).gather(-1, targets[:, None]).squeeze(-1)

    (clipped,) = torch.autograd.grad(clipped_gains(log_probs(), log_probs().detach(), advantages, 0.2).sum(), logits)
    (plain,) = torch.autograd.grad((advantages * log_probs()).sum(), logits)
    torch.testing.assert_close(clipped, plain)


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [(1.5, 1.0, False), (1.5, -1.0, True), (0.5, 1.0, True), (0.5, -1.0, False), (1.1, 1.0, True)],
)
def test_a_token_that_has_moved_far_enough_moves_no_further_the_same_way(
    ratio: float, advantage: float, moves: bool
) -> None:
    now = torch.tensor(ratio).log().requires_grad_()
    clipped_gains(now, torch.tensor(0.0), torch.tensor(advantage), 0.2).backward()
    assert now.grad is not None
    assert bool(now.grad != 0) is moves


def test_the_divergence_is_nothing_from_itself_and_positive_from_others() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(2, 6, 9).log_softmax(-1)
    assert torch.equal(divergence(one, one), torch.zeros(6))
    expected = torch.nn.functional.kl_div(other, one, log_target=True, reduction="none").sum(-1)
    torch.testing.assert_close(divergence(one, other), expected)
    assert (divergence(one, other) > 0).all()


def test_at_the_start_nothing_is_paid_and_no_ratio_has_moved() -> None:
    estimator = PolicyGradient(critic_trainer(), model())
    player = model()
    estimator.loss(player, tunes(), 10.0)
    assert estimator.experience is not None
    melodies, _, before = estimator.experience
    log_probs = estimator.critic.log_probs(player, melodies)
    assert divergence(log_probs, estimator.critic.log_probs(estimator.reference, melodies)).abs().max() == 0
    now = log_probs.gather(-1, melodies.targets[..., None]).squeeze(-1)
    torch.testing.assert_close(now, before)
    assert before[melodies.generated].isfinite().all()


def test_rewards_have_mean_zero_and_deviation_one_and_real_melodies_a_constant() -> None:
    estimator = PolicyGradient(critic_trainer(real_share=0.5, real_reward=3.0), model())
    estimator.loss(model(), tunes(10), 10.0)
    assert estimator.experience is not None
    _, advantages, _ = estimator.experience
    assert (advantages == 3.0).sum() == 5
    made = advantages[advantages != 3.0]
    assert made.mean() == pytest.approx(0, abs=1e-6)
    assert made.std(correction=0) == pytest.approx(1, abs=1e-3)
    assert torch.equal(normalised(torch.full((3,), 0.5)), torch.zeros(3))


def test_what_was_rewarded_becomes_likelier_and_what_was_not_less_likely() -> None:
    estimator = PolicyGradient(critic_trainer(uses=1, parts=1, kl_weight=0.0), model())
    player = model()
    estimator.loss(player, tunes(12), 10.0).backward()
    assert estimator.experience is not None
    melodies, advantages, before = estimator.experience
    with torch.no_grad():
        for parameter in player.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.05 * parameter.grad)
        now = estimator.critic.log_probs(player, melodies).gather(-1, melodies.targets[..., None]).squeeze(-1)
    moved = ((now - before) * melodies.generated).sum(1)
    assert (moved * advantages).sum() > 0


def test_a_rollout_is_used_uses_times_and_then_made_anew() -> None:
    estimator, player, rollouts = PolicyGradient(critic_trainer(uses=2, parts=3), model()), model(), []
    for _ in range(13):
        estimator.loss(player, tunes(), 10.0)
        rollouts.append(estimator.experience)
    assert [len([*same]) for _, same in groupby(rollouts, key=id)] == [6, 6, 1]


def test_only_the_model_is_trained() -> None:
    estimator, player = PolicyGradient(critic_trainer(uses=1, parts=1), model()), model()
    network = estimator.critic.network
    before = [parameter.clone() for parameter in network.parameters()]
    estimator.loss(player, tunes(), 10.0).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in player.parameters())
    assert all(p.grad is None for p in (*estimator.reference.parameters(), *network.parameters()))
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)), "it learned"
