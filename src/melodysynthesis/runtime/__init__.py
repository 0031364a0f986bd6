"""Engines that step a trained model, and the models that ship. No deep-learning framework is needed here."""
