"""MelodySynthesis: train, compare and play melody models."""

__version__ = "0.1.0"
