"""The Gumbel-softmax estimator: samples are hard forward and soft backward, with the noise that led to them."""

import math

import pytest
import torch

from melodysynthesis.training.adversarial.estimators import GumbelSoftmax, perturbed, straight_through
from tests.training.adversarial.fixtures import critic_trainer, model, tunes


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


def test_what_was_forbidden_has_no_share_and_breaks_nothing() -> None:
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
    estimator, player = GumbelSoftmax(critic_trainer(likelihood_weight=0.0)), model()
    estimator.loss(player, tunes(), 10.0).backward()
    reached = [name for name, p in player.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert "stack.layers.0.recurrent_weight" in reached
    assert "output.bias" in reached


def test_a_step_along_the_gradient_makes_the_critic_like_the_soft_samples_more() -> None:
    estimator, player = GumbelSoftmax(critic_trainer(likelihood_weight=0.0, critic_first=0)), model()
    pair = estimator.critic.roll_out(player, tunes(12))

    def verdict() -> torch.Tensor:
        torch.manual_seed(3)
        soft = straight_through(estimator.critic.log_probs(player, pair.generated), pair.generated.targets, 1.0)
        return -estimator.critic.margin(pair, soft).mean()

    logits = estimator.critic.log_probs(player, pair.generated).detach().requires_grad_()
    torch.manual_seed(3)
    chosen = straight_through(logits, pair.generated.targets, 1.0)
    (gradient,) = torch.autograd.grad(-estimator.critic.margin(pair, chosen).mean(), logits)
    torch.manual_seed(3)
    noise = perturbed(logits.detach(), pair.generated.targets) - logits.detach()

    def soft_verdict(at: torch.Tensor) -> float:
        return float(-estimator.critic.margin(pair, (at + noise).softmax(-1)).mean().detach())

    assert verdict().isfinite()
    assert soft_verdict(logits + 20 * gradient) > soft_verdict(logits)


def test_samples_cool_down_by_a_constant_factor() -> None:
    estimator = GumbelSoftmax(critic_trainer(first_temperature=2.0, last_temperature=0.5, cooling=4))
    found = []
    for estimator.updates in range(7):
        found.append(estimator.temperature)
    assert found == pytest.approx([2.0, 2**0.5, 1.0, 2**-0.5, 0.5, 0.5, 0.5])


def test_the_likelihood_is_divided_by_the_mean_batch_not_by_this_one() -> None:
    few = tunes(4)
    logits, _ = model()(few.ids, few.features)
    nats = torch.nn.functional.cross_entropy(logits.flatten(0, 1), few.targets.flatten(), reduction="sum")
    found = []
    for tokens in (50.0, 100.0):
        torch.manual_seed(3)
        found.append(GumbelSoftmax(critic_trainer()).loss(model().eval(), few, tokens).item())
    assert found[0] - found[1] == pytest.approx(nats.item() / 100, rel=0.05)
