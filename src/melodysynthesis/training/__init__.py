"""Training: melodies -> ids -> batches -> logits -> loss, checkpoints, export. Import its modules by name."""
