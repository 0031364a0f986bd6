"""The summary's sentences say what the figures say: significance by the corrected p, goals by the whole interval."""

from types import SimpleNamespace
from typing import Any

import pytest

from melodysynthesis.evaluation.statistics import Comparison, Interval, holm
from melodysynthesis.study import summary as module
from melodysynthesis.study.aggregate import HUMANS, Entrant, StudyResults
from melodysynthesis.study.summary import CRITIC_GOAL, TONIC_GOAL

BEST, SECOND, THIRD = (Entrant(model, "event", (1, 2, 3), False) for model in ("transformer", "hybrid", "lstm"))
LOW = Interval(2.0, 1.9, 2.1, 0.05)


def difference(p: float, low: float = 0.005) -> Comparison:
    return Comparison(Interval(0.01, low, 0.02, 0.004), Interval(0.2, 0.1, 0.3, 0.05), "Cohen's d", p, 600, 2)


def results(**changes: Any) -> Any:
    """Results of three models, as far as the summary's first answers read them."""
    found = {
        "ranked": [BEST, SECOND, THIRD], "entrants": [BEST, SECOND, THIRD], "at": 0.9, "missing": [],
        "bits": dict.fromkeys((BEST, SECOND, THIRD), LOW), "spread": lambda entrant: 0.01,
        "against_best": {SECOND: difference(0.06), THIRD: difference(0.04)},
    }  # fmt: skip
    return SimpleNamespace(**(found | changes))


def test_the_sentence_about_seeds_is_computed() -> None:
    compared = lambda one, other: (difference(0.2), 0.62)  # noqa: E731
    (sentence,) = [module._of_seeds(results(compare=compared), [BEST, SECOND, THIRD])]
    assert sentence == (
        "Each trained model has 3 seeds; intervals are Student's t over seeds and tunes together. Of the variance of "
        "the difference between the two best trained models, 62 % is the seeds'; a difference of less than 0.007 bits "
        "per note between them could not be shown."
    )
    single = [Entrant("lstm", "event", (1,), False), BEST]
    assert module._of_seeds(results(), single).startswith(
        "Each trained model has 1 to 3 seeds: intervals are over tunes"
    )


def test_a_difference_is_significant_by_its_corrected_p_and_its_interval() -> None:
    _, tie, clear = module._prediction(results())
    assert tie.startswith("It is not significantly better than Hybrid on event")
    assert "LSTM" not in tie
    assert (
        clear
        == "Significantly more bits per note, paired by tune, are needed by LSTM on event (+0.010 [+0.005, +0.020])."
    )
    _, tie = module._prediction(results(against_best={SECOND: difference(0.001, -0.001), THIRD: difference(0.05)}))
    assert "Hybrid on event" in tie
    assert "LSTM on event" in tie


def test_the_summary_uses_p_values_that_are_corrected_for_their_number(study: Any) -> None:
    found = StudyResults(study)
    best, *others = found.ranked
    raw = [found.compare(other, best)[0].p for other in others]
    assert [found.against_best[other].p for other in others] == pytest.approx(holm(raw).tolist())
    assert max(holm(raw)) > min(raw)


@pytest.mark.parametrize(
    ("value", "high", "verdict"),
    [(0.6, 0.64, "is reached."), (0.6, 0.7, "reached by the value but not"), (0.7, 0.8, "is missed.")],
)
def test_a_goal_is_reached_by_the_whole_interval(value: float, high: float, verdict: str) -> None:
    scores = {BEST: Interval(value, 0.55, high, 0.03), SECOND: Interval(0.9, 0.85, 0.95, 0.03)}
    found = results(entrants=[BEST, SECOND], score=lambda entrant, metric, at: scores[entrant])
    first, last = module._critic(found)
    assert f"The goal of at most {CRITIC_GOAL} {verdict}" in first or f"{CRITIC_GOAL} is {verdict}" in first
    assert "Transformer on event hardest" in first
    assert last == "The critic recognises Hybrid on event best, with 0.900 [0.850, 0.950]."
    shares = {HUMANS: Interval(0.84, 0.8, 0.88, 0.02), BEST: Interval(1.5 - value, 1.5 - high, 1.0, 0.03)}
    found = results(entrants=[BEST], mean=lambda entrant, figure: shares[entrant])
    (sentence,) = module._cadence(found)
    assert ("is reached." in sentence) == (1.5 - high >= TONIC_GOAL)
    assert sentence.startswith("84 % [80, 88] of human melodies end on the tonic.")


def test_copying_is_told_by_the_whole_interval() -> None:
    scores = {BEST: Interval(60, 55, 65, 3), SECOND: Interval(40, 35, 45, 3), THIRD: Interval(52, 48, 56, 3)}
    _, more, less, same = module._originality(results(score=lambda entrant, metric, at: scores[entrant]))
    assert (more, less) == (
        "More is copied by Transformer on event (60 [55, 65]).", "Less is copied by Hybrid on event (40 [35, 45]).",
    )  # fmt: skip
    assert same == "No difference from human tunes is shown for LSTM on event (52 [48, 56])."


def test_an_answer_without_figures_is_left_out() -> None:
    plan = SimpleNamespace(judging=SimpleNamespace(temperatures=(0.9,)))
    assert list(module._temperatures(results(plan=plan))) == []
    unknown = Interval(*[float("nan")] * 4)
    assert list(module._critic(results(score=lambda *_: unknown))) == []
