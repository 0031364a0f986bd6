"""Engines that step a trained model, and the models that ship. No deep-learning framework is needed here."""

import os

# ONNX Runtime 1.32 and later sends telemetry and writes a device id below the cache folder unless this is set before
# its import; its own switch comes too late. Only modules of this package import it. A user's own setting is kept.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
