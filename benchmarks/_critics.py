"""Sets of generated melodies beside held-out tunes: fresh critics, figures of structure, signs of poor melodies."""

from __future__ import annotations

from melodysynthesis.evaluation.critic import two_sample
from melodysynthesis.evaluation.degenerate import shares
from melodysynthesis.evaluation.features import FIGURES, features_of
from melodysynthesis.evaluation.statistics import bootstrap_mean
from melodysynthesis.music import Melody

SHOWN = (
    "Ends On Tonic", "Ends By Step", "Last Note", "Notes", "Range", "Bars Repeated", "Phrases", "Phrase Quarters",
    "Phrases Repeated", "First Phrase Returns",
)  # fmt: skip


def print_table(title: str, people: list[Melody], sets: dict[str, list[Melody]], seed: int) -> None:
    """Print a table with a column for each set; that of the set "people" is half of the tunes against the others."""
    rows: dict[str, list[str]] = {"critic": [], "critic on tokens": []}
    for name, melodies in sets.items():
        real, generated = (people[::2], people[1::2]) if name == "people" else (people, melodies)
        for row, by in (("critic", "features"), ("critic on tokens", "tokens")):
            found = two_sample(real, generated, seed, by=by).auc  # type: ignore[arg-type]
            rows[row].append(f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]")
    figures = {name: features_of(melodies).figures for name, melodies in sets.items()}
    for shown in SHOWN:
        means = [bootstrap_mean(each[:, list(FIGURES).index(shown)]) for each in figures.values()]
        rows[shown] = [f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]" for mean in means]
    for sign in shares(people):
        rows[sign] = [f"{100 * shares(melodies)[sign]:.1f} %" for melodies in sets.values()]
    rows["different in 100"] = [f"{100 * len({m.notes for m in each}) / len(each):.1f}" for each in sets.values()]
    print(f"{title:22}" + "".join(f"{name[-22:]:>24}" for name in sets))
    for name, texts in rows.items():
        print(f"{name:22}" + "".join(f"{text:>24}" for text in texts))
