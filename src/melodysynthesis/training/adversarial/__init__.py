"""Adversarial fine-tuning: a model that learned by likelihood plays on against a critic that tells its tunes from real.

    training tunes ── roll_out (the model goes on from their first bars) ── Pair ──┬── critic: learns to prefer the real
                                                                                   └── model: learns to be preferred

Two arms: `policy` (the critic's verdict is a reward; TextGAIL) and `gumbel` (the critic's gradient reaches the model
through straight-through samples; RelGAN). Both are one `Objective` for the ordinary loop: a run is like any other.
"""
