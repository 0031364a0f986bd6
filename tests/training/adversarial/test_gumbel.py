"""The Gumbel-softmax arm: samples are hard forward and soft backward, with the noise that led to them."""

import math

import pytest
import torch

from melodysynthesis.training.adversarial.gumbel import GumbelSoftmax, perturbed, straight_through
from tests.training.adversarial.games import game, model, tunes


def drawn(rows: int, tokens: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    log_probs = torch.randn(tokens).log_softmax(-1).expand(rows, tokens)
    return log_probs, torch.multinomial(log_probs.exp(), 1).squeeze(-1)


def test_the_noise_that_led_to_a_sample_is_gumbels_and_leads_to_it() -> None:
    log_probs, targets = drawn(40_000)
    found = perturbed(log_probs, targets)
    assert torch.equal(found.argmax(-1), targets)
    noise = found - log_probs  # over draws of the sample, as if the noise had come first
    assert noise.mean(0).numpy() == pytest.approx(0.5772, abs=0.03)
    assert noise.var(0).numpy() == pytest.approx(math.pi**2 / 6, abs=0.08)


def test_what_was_ruled_out_has_no_share_and_breaks_nothing() -> None:
    log_probs = torch.tensor([[0.0, 1.0, -1e9]]).log_softmax(-1).requires_grad_()
    chosen = straight_through(log_probs, torch.tensor([1]), 0.5)
    (gradient,) = torch.autograd.grad((chosen * torch.tensor([1.0, 2.0, 3.0])).sum(), log_probs)
    assert gradient.isfinite().all()
    assert gradient[0, 2] == 0


def test_forward_it_is_the_sample_and_backward_the_soft_one() -> None:
    log_probs, targets = drawn(6)
    log_probs = log_probs.clone().requires_grad_()
    weights = torch.randn(6, 5)
    torch.manual_seed(1)
    chosen = straight_through(log_probs, targets, 0.7)
    torch.testing.assert_close(chosen, torch.nn.functional.one_hot(targets, 5).float())
    (straight,) = torch.autograd.grad((chosen * weights).sum(), log_probs)
    torch.manual_seed(1)
    noise = (perturbed(log_probs, targets) - log_probs).detach()
    (soft,) = torch.autograd.grad((((log_probs + noise) / 0.7).softmax(-1) * weights).sum(), log_probs)
    torch.testing.assert_close(straight, soft)
    assert straight.abs().sum() > 0


def test_the_critics_gradient_reaches_the_model_without_the_likelihood() -> None:
    arm, player = GumbelSoftmax(game(likelihood_weight=0.0)), model()
    arm.loss(player, tunes()).backward()
    reached = [name for name, p in player.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert "layers.0.recurrent_weight" in reached
    assert "output.bias" in reached


def test_a_step_along_the_gradient_makes_the_critic_like_the_soft_samples_more() -> None:
    arm, player = GumbelSoftmax(game(likelihood_weight=0.0, critic_first=0)), model()
    pair = arm.game.deal(player, tunes(12))

    def verdict() -> torch.Tensor:
        torch.manual_seed(3)
        soft = straight_through(arm.game.log_probs(player, pair.made), pair.made.targets, 1.0)
        return -arm.game.margin(pair, soft).mean()

    logits = arm.game.log_probs(player, pair.made).detach().requires_grad_()
    torch.manual_seed(3)
    chosen = straight_through(logits, pair.made.targets, 1.0)
    (gradient,) = torch.autograd.grad(-arm.game.margin(pair, chosen).mean(), logits)
    torch.manual_seed(3)
    noise = perturbed(logits.detach(), pair.made.targets) - logits.detach()

    def soft_verdict(at: torch.Tensor) -> float:
        return float(-arm.game.margin(pair, (at + noise).softmax(-1)).mean().detach())

    assert verdict().isfinite()
    assert soft_verdict(logits + 20 * gradient) > soft_verdict(logits)


def test_samples_cool_down_by_a_constant_factor() -> None:
    arm = GumbelSoftmax(game(first_temperature=2.0, last_temperature=0.5, cooling=4))
    found = []
    for arm.updates in range(7):
        found.append(arm.temperature)
    assert found == pytest.approx([2.0, 2**0.5, 1.0, 2**-0.5, 0.5, 0.5, 0.5])
