"""How the page plays, in a real browser: the beat, the chords, and over again."""

from itertools import pairwise

import pytest

from tests.apps.studio.chromium import CHROMIUM, unfold, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

LISTEN = """() => {
    const { player } = studio;
    const { knock, sound, follow } = player;
    window.heard = { beats: [], sounds: [], ticks: [] };
    Object.assign(player, {
        knock(time, strong) { heard.beats.push([time, strong]); knock.call(player, time, strong); },
        sound(buffer, time, ...rest) { heard.sounds.push([time, rest[1]]); sound.call(player, buffer, time, ...rest); },
        follow(tick, note) { heard.ticks.push(tick); follow(tick, note); },
    });
}"""
ASKED = {"bars": "2", "meter": "3/4", "key": "C major", "chords": "C | G7", "count": "1", "seed": "5"}


@pytest.fixture
def playing(page):
    """A page that plays two bars of 3/4 over and over, with the beat and chords."""
    for name, value in ASKED.items():
        unfold(page, f"#ask-{name}")
        page.fill(f"#ask-{name}", value)
    page.click("#generate")
    until(page, "!studio.store.pending && studio.store.take.melody.notes.length > 0")
    page.fill("#tempo", "240")
    page.dispatch_event("#tempo", "change")
    for toggle in ("#loop", "#click", "#backing"):
        page.click(toggle)
        assert page.get_attribute(toggle, "aria-pressed") == "true"
    page.evaluate(LISTEN)
    page.click("#play")
    yield page
    page.click("#play")


def test_it_begins_again_at_the_end_and_every_beat_is_heard(playing):
    until(playing, "heard.beats.length >= 8")
    beats = playing.evaluate("heard.beats")
    assert [strong for _, strong in beats[:8]] == [True, False, False, True, False, False, True, False]
    apart = [later - sooner for (sooner, _), (later, _) in pairwise(beats)]
    assert apart == pytest.approx([0.25] * len(apart), abs=1e-6)  # at 240 quarters a minute, over the end too
    ticks = [tick for tick in playing.evaluate("heard.ticks") if tick is not None]
    assert any(later < sooner for sooner, later in pairwise(ticks))


def test_chords_sound_under_the_melody_from_their_bars_on(playing):
    until(playing, "heard.beats.length >= 5")
    beats, sounds = playing.evaluate("heard.beats"), playing.evaluate("heard.sounds")
    low = min(gain for _, gain in sounds)
    chords = sorted({round(time, 3) for time, gain in sounds if gain == low})
    assert chords[:2] == [round(time, 3) for time, strong in beats if strong][:2]
    assert sum(gain == low and round(time, 3) == chords[0] for time, gain in sounds) == 4  # a triad over its root
