"""Plans: every mistake is one line that names it, and what a plan says is what its trials ask for."""

from pathlib import Path

import pytest

from melodysynthesis.errors import MelodyError
from melodysynthesis.study.plan import SHIPPED, StudyPlan, Trial, difference, load_plan, plan_from
from tests.study.conftest import plan_of

PLANS = sorted(path.stem for path in SHIPPED.glob("*.toml"))


@pytest.mark.parametrize("name", PLANS)
def test_plans_that_ship_are_whole(name: str) -> None:
    plan = load_plan(name)
    assert plan.name == name
    assert len({trial.name for trial in plan.trials}) == len(plan.trials)
    assert plan_from(plan.values()) == plan, "a plan comes back from JSON"


def test_the_full_plan_has_every_architecture_and_seeds_by_encoding() -> None:
    plan = load_plan("full")
    assert set(plan.models) == {"lstm", "transformer", "hybrid", "gan", "ngram", "ppm", "constant"}
    assert (plan.seeds_of("lstm", "grid"), plan.seeds_of("ngram", "event")) == ((1, 2, 3), (1,))
    assert plan.seeds_of("gan", "event") == (1, 2, 3, 4, 5)
    assert set(plan.encodings) == {"event", "grid"}


def test_trials_are_models_by_encodings_by_seeds_and_baselines_once(plan: StudyPlan) -> None:
    names = [trial.name for trial in plan.trials]
    assert names == [
        "lstm-event-1", "lstm-event-2", "lstm-grid-1", "lstm-grid-2", "ngram-event-1", "ngram-grid-1",
        "constant-event-1",
    ]  # fmt: skip
    assert [trial.training.epochs for trial in plan.trials[:4:2]] == [2, 1]
    assert plan.trials[1].training.seed == 2
    assert plan.trials[0].architecture.units == 8


def test_a_piece_of_a_plan_is_named_from_its_beginning(plan: StudyPlan) -> None:
    assert [trial.name for trial in plan.only(("lstm-grid",))] == ["lstm-grid-1", "lstm-grid-2"]
    assert [trial.name for trial in plan.only(("ngram", "lstm-event-2"))] == [
        "lstm-event-2", "ngram-event-1", "ngram-grid-1",
    ]  # fmt: skip
    assert plan.only(()) == plan.trials
    with pytest.raises(MelodyError, match=r"unknown trial 'lstm-evnt-1': did you mean lstm-event-1"):
        plan.only(("lstm-evnt-1",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": {"lstn": {}}}, r"unknown model 'lstn': did you mean lstm"),
        ({"models": {"lstm": {"preset": "bass"}}}, r"unknown preset of lstm 'bass': did you mean base"),
        ({"models": {"lstm": {"set": {"unit": 3}}}}, r"unknown field of lstm 'unit': did you mean units"),
        ({"models": {"lstm": {"training": {"epoch": 3}}}}, r"unknown training field 'epoch': did you mean epochs"),
        ({"models": {"lstm": {"presets": "base"}}}, r"models.lstm: unknown field 'presets': did you mean preset"),
        ({"models": {"lstm": {"encodings": ["gird"]}}}, r"models.lstm: unknown encoding of this plan 'gird': .* grid"),
        ({"models": {"gan": {}}}, r"models.gan needs after"),
        (
            {"models": {"lstm": {}, "gan": {"after": "lstn"}}},
            r"gan.after: unknown trained model .lstn.: .* lstm",
        ),
        ({"models": {"lstm": {"after": "hybrid"}}}, r"models.lstm has after = 'hybrid', which is for gan"),
        ({"encodings": {"events": {"epochs": 1}}}, r"unknown encoding 'events': did you mean event"),
        ({"encodings": {"event": {}}}, r"encodings.event.epochs is missing"),
        ({"judging": {"melodie": 3}}, r"judging: unknown field 'melodie': did you mean melodies"),
        ({"judging": {"temperatures": [0.9, 0.9]}}, r"judging.temperatures: each may stand there once"),
        ({"judging": {"temperatures": [0]}}, r"judging.temperatures.0 '0': input should be greater than 0"),
        ({"seed": 3}, r"unknown field 'seed': did you mean seeds"),
        ({"seeds": []}, r"seeds '\[\]': .* at least 1 item"),
        ({"seeds": [1, 1]}, r"seeds: each may stand there once, found 1, 1"),
        ({"encodings": {"event": {"epochs": 1, "seeds": [2, 2]}}}, r"encodings.event.seeds: each may stand there once"),
        ({"name": "a/b"}, r"name 'a/b'"),
    ],
)
def test_what_a_plan_may_not_say_is_told_in_one_line(changes: dict[str, object], message: str, corpus: Path) -> None:
    with pytest.raises(MelodyError, match=message) as caught:
        _ = plan_of(corpus, **changes).trials
    assert "\n" not in str(caught.value)


def test_files_that_are_no_plan_are_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('name = "x\n[models')
    with pytest.raises(MelodyError, match=r"broken.toml: no TOML: .*line 1"):
        load_plan(broken)
    with pytest.raises(MelodyError, match=r"unknown plan 'smok': did you mean smoke\? \(or give a path"):
        load_plan("smok")
    with pytest.raises(MelodyError, match=r"can't be read: Is a directory"):
        load_plan(tmp_path)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(MelodyError, match=r"broken.toml: can't be read"):
        load_plan(broken)


def test_a_gan_goes_on_from_the_trial_of_its_encoding_and_seed(corpus: Path) -> None:
    models = {"lstm": {"set": {"units": 8}}, "gan": {"after": "lstm", "encodings": ["event"], "set": {"rollouts": 8}}}
    plan = plan_of(corpus, models=models)
    gan = plan.only(("gan-event-2",))[0]
    assert gan.after == Trial(plan, "lstm", "event", 2)
    assert gan.architecture.units == 8
    assert gan.game.rollouts == 8
    assert gan.training.seed == 2
    assert gan.dependencies() != gan.after.dependencies()


def test_the_first_difference_of_two_tables_is_told() -> None:
    assert difference({"a": {"b": 1}}, {"a": {"b": 2}}) == "a.b 1, not 2"
    assert difference({"a": 1}, {"a": 1, "c": "x"}) == 'c null, not "x"'
    assert difference({"a": [1]}, {"a": [1]}) == ""
