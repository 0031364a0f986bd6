"""The study: a plan of models, encodings and seeds, trained and evaluated in the same way, and a report.

    plan.toml -> StudyPlan -> Trial, Trial, ... -> train -> evaluate -> measurements (Parquet) -> report (HTML,
    Markdown)

Each trial is one model in one encoding with one seed. Whatever it finds is written whole, piece by piece, into its own
folder, so that a study which was killed goes on where it was, on one machine or on many.
"""
