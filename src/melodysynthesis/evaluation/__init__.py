"""Judging models and melodies: prediction, intervals, the 17 descriptors, plots and reports."""
