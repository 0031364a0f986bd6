"""The study: a plan of models, encodings and seeds, trained and judged alike, and the report on what was found.

    plan.toml -> Plan -> Trial, Trial, ... -> fit -> judge -> rows (Parquet) -> report (HTML, Markdown)

Each trial is one model in one encoding with one seed. Whatever it finds is written whole, piece by piece, into its own
folder, so that a study which was killed goes on where it was, on one machine or on many.
"""
