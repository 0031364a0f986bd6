"""What a trial's melodies are drawn by."""

from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.study.evaluate import draw
from melodysynthesis.study.plan import JudgingPlan

WALTZ = Melody((Note(0, 72, 67),), 72, (Meter(0, 3, 4),))


def test_melodies_are_the_models_own_though_a_judge_knows_it():
    engine = open_model("lstm").engine
    plan = JudgingPlan(melodies=3, temperatures=(0.9,), max_steps=64)
    fields = {"count": 3, "seed": 5, "meter": "3/4", "max_steps": 64}
    alone, judged = ([one.melody for one in generate(engine, Request(**fields, drafts=drafts))] for drafts in (1, None))
    assert draw(engine, plan, 5, [WALTZ])[0.9] == alone
    assert alone != judged
