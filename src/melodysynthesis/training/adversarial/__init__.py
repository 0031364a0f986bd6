"""Adversarial fine-tuning: a model trained by likelihood learns on from a critic that tells its tunes from real ones.

    training tunes ── roll_out (the model continues their first bars) ── Pairs ──┬── critic: learns to prefer the real
                                                                                 └── model: learns to be preferred

Two estimators of the model's gradient: `policy` (the critic's score is a reward; TextGAIL) and `gumbel` (the critic's
gradient reaches the model through straight-through samples; RelGAN). Both are used by one `Objective` of the ordinary
loop: an adversarial run is like any other.
"""
