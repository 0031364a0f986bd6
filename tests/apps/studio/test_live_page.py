"""The Live view in a real browser: a call by the computer's keys is answered in sound, and nothing goes on sounding.

WebMIDI is faked: there is no MIDI keyboard here, and no system that would have one.
"""

import base64

import pytest

from melodysynthesis import formats
from tests.apps.studio.chromium import CHROMIUM, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

FAKE_MIDI = """
    class Input extends EventTarget { id = "one"; name = "Fake keys"; state = "connected"; onmidimessage = null; }
    const input = new Input();
    const access = { inputs: new Map([["one", input]]), onstatechange: null };
    window.fakeMidi = {
        play: (...data) => input.onmidimessage?.({ data: Uint8Array.from(data), timeStamp: performance.now() }),
        unplug: () => { input.state = "disconnected"; access.onstatechange?.({ port: input }); },
    };
    navigator.requestMIDIAccess = async () => access;
"""
ASK = "navigator.requestMIDIAccess"
LOUDNESS = """() => {
    const data = new Float32Array(2048);
    studio.player.analyser.getFloatTimeDomainData(data);
    return Math.max(...data.map(Math.abs));
}"""
SOUNDING = "studio.live.sampler.sounding"


@pytest.fixture
def live(page):
    """The Live view, ready to be played in short turns."""
    page.click("#view-live")
    page.fill("#live-tempo", "240")
    page.select_option("#live-click", "")
    page.select_option("#live-at", "beat")
    page.select_option("#live-bars", "1")
    until(page, "studio.live.sampler.sounds.size > 12")
    return page


def start(page):
    page.click("#begin")
    until(page, "studio.live.state == 'on'")


def call(page, keys="adg"):
    """A phrase on the computer's keys."""
    for key in keys:
        page.keyboard.down(key)
        page.wait_for_timeout(120)
        page.keyboard.up(key)


def heard(page):
    """Pitches of the model's notes on the tape."""
    return page.evaluate("studio.live.scroll.marks.filter(mark => mark.who == 'model').map(mark => mark.pitch)")


def answered(page):
    until(page, "studio.live.scroll.marks.some(mark => mark.who == 'model')")


def test_a_call_on_the_computer_s_keys_is_heard_and_answered_and_the_latency_shown(live):
    start(live)
    live.keyboard.down("g")
    live.wait_for_selector(".keyboard .key[data-pitch='67'].yours")
    until(live, f"({LOUDNESS})() > 0.005")
    live.keyboard.up("g")
    call(live)
    answered(live)
    assert heard(live)
    until(live, "document.querySelector('#answer').textContent != '–'")
    for name, unit in (("trip", "ms"), ("answer", "s"), ("written", "ms")):
        number, said = live.inner_text(f"#{name}").split()
        assert said == unit
        assert 0 < float(number) < 60_000
    until(live, f"{SOUNDING} == 0")  # nothing hangs
    assert live.locator(".keyboard .yours, .keyboard .model").count() == 0


def test_the_model_s_notes_come_out_of_the_loudspeaker(live):
    live.uncheck("#live-own")
    start(live)
    call(live)
    answered(live)
    until(live, f"({LOUDNESS})() > 0.005")


def test_panic_stops_everything(live):
    start(live)
    live.keyboard.down("a")
    live.keyboard.down("d")
    assert live.evaluate(SOUNDING) == 2
    live.keyboard.press("Escape")
    assert live.evaluate(SOUNDING) == 0
    assert live.evaluate("studio.live.keyboard.held.size") == 0
    until(live, f"({LOUDNESS})() < 0.001")
    live.keyboard.down("f")
    live.click("#panic")
    assert live.evaluate(SOUNDING) == 0


@pytest.mark.parametrize(
    "leave",
    ["window.dispatchEvent(new Event('blur'))", "document.querySelector('#view-compose').click()"],
    ids=["another window", "another view"],
)
def test_who_leaves_with_a_key_down_leaves_no_note(live, leave):
    start(live)
    live.keyboard.down("a")
    assert live.evaluate("studio.live.keyboard.held.size") == 1
    live.evaluate(leave)
    assert live.evaluate("studio.live.keyboard.held.size") == 0
    until(live, f"{SOUNDING} == 0")


def test_a_studio_that_goes_is_told_and_leaves_no_note(live):
    start(live)
    live.keyboard.down("a")
    live.evaluate("studio.live.socket.socket.close()")
    until(live, "studio.live.state == 'off'")
    assert live.evaluate(SOUNDING) == 0
    assert "does not answer" in live.inner_text("#said")
    live.keyboard.up("a")
    start(live)  # and can be begun again


def test_what_was_played_is_taken_away_and_composed_with(live, tmp_path):
    start(live)
    call(live, "adgk")
    answered(live)
    live.wait_for_timeout(1000)
    live.click("#begin")
    until(live, "!!studio.live.recording")
    assert live.inner_text("#take-told").startswith("4 notes of yours")
    with live.expect_download() as download:
        live.click("#live-file")
    download.value.save_as(tmp_path / "live.mid")
    assert (tmp_path / "live.mid").read_bytes() == base64.b64decode(live.evaluate("studio.live.recording.midi"))
    assert [note.pitch for note in formats.read(tmp_path / "live.mid", "You").melodies[0].notes] == [60, 64, 67, 72]
    live.click("#live-compose")
    until(live, "studio.store.take.melody.notes.length > 4")
    assert live.is_visible("#roll .note")
    assert live.locator("#alternatives [role=tab]").count() == 3
    assert live.evaluate("studio.store.take.melody.tempo") == 240
    assert live.input_value("#tempo") == "240"


def test_keys_are_played_by_pointer_from_one_to_the_next(live):
    boxes = [live.locator(f".keyboard [data-pitch='{pitch}'] rect").bounding_box() for pitch in (60, 62)]
    places = [(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8) for box in boxes]
    live.mouse.move(*places[0])
    live.mouse.down()
    live.wait_for_selector(".keyboard .key[data-pitch='60'].yours")
    live.mouse.move(*places[1])
    live.wait_for_selector(".keyboard .key[data-pitch='62'].yours")
    live.mouse.up()
    assert live.evaluate("studio.live.scroll.marks.map(mark => mark.pitch)") == [60, 62]
    assert live.evaluate("studio.live.scroll.marks.every(mark => mark.end !== null)")


def test_the_keyboard_goes_by_octaves_and_stays_out_of_text(live):
    live.focus("#keyboard")
    live.keyboard.press("x")
    assert live.evaluate("studio.live.keyboard.lowest") == 72
    live.click("#lower")
    live.click("#lower")
    assert live.evaluate("studio.live.keyboard.lowest") == 48
    live.focus("#live-key")
    live.keyboard.type("D major")
    assert live.input_value("#live-key") == "D major"
    assert live.evaluate("studio.live.scroll.marks.length") == 0


def test_a_midi_keyboard_is_played_and_one_that_is_unplugged_leaves_no_note(live):
    live.evaluate(FAKE_MIDI)
    live.click("#find-midi")
    until(live, "document.querySelector('#live-input').value == 'one'")
    assert "Fake keys" in live.inner_text("#said")
    start(live)
    for pitch in (60, 64, 67):
        live.evaluate(f"fakeMidi.play(0x92, {pitch}, 90)")
        live.wait_for_timeout(120)
        live.evaluate(f"fakeMidi.play(0x92, {pitch}, 0)")
    live.evaluate("fakeMidi.play(0xe0, 0, 64); fakeMidi.play(0xfe)")  # no notes
    answered(live)
    assert heard(live)
    live.evaluate("fakeMidi.play(0x90, 72, 90)")
    live.evaluate("fakeMidi.unplug()")
    assert live.input_value("#live-input") == ""
    until(live, f"{SOUNDING} == 0")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("Object.defineProperty(navigator, 'requestMIDIAccess', { value: undefined })", "has no WebMIDI"),
        (f"{ASK} = async () => {{ throw new DOMException('', 'SecurityError'); }}; 0", "not allowed"),
        (f"{ASK} = async () => ({{ inputs: new Map() }}); 0", "No MIDI keyboard is plugged in"),
    ],
)
def test_without_midi_the_computer_s_keys_are_offered(live, script, told):
    live.evaluate(script)
    live.click("#find-midi")
    until(live, "document.querySelector('#said').classList.contains('mistake')")
    assert told in live.inner_text("#said")
    assert "play with the computer’s keys" in live.inner_text("#said")


def test_a_mistake_is_told_and_mended(live):
    live.fill("#live-key", "H major")
    live.click("#begin")
    until(live, "document.querySelector('#said').classList.contains('mistake')")
    assert "German H is B" in live.inner_text("#said")
    assert live.inner_text("#begin") == "Start"
    live.fill("#live-key", "B minor")
    start(live)


def test_settings_are_kept_over_a_reload(live):
    live.fill("#live-meter", "6/8")
    live.reload()
    live.wait_for_selector("body[data-ready]")
    live.click("#view-live")
    assert live.input_value("#live-meter") == "6/8"
    assert live.input_value("#live-tempo") == "240"


def test_on_a_phone_nothing_is_wider_than_the_screen_and_there_is_an_octave(live):
    live.set_viewport_size({"width": 390, "height": 844})
    until(live, "studio.live.keyboard.octaves == 1")
    assert live.evaluate("document.documentElement.scrollWidth") <= 390
    assert live.locator(".keyboard .key").count() == 13


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing(live, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    live.evaluate(f"studio.store.play({{theme: '{theme}'}})")
    for run in range(2):  # at rest, and while it is played
        live.wait_for_timeout(300)
        found = axe.Axe().run(live)
        assert [violation["id"] for violation in found.response["violations"]] == []
        if not run:
            start(live)


def test_everything_has_a_name_and_can_be_reached_by_keys(live):
    unnamed = live.evaluate("""[...document.querySelectorAll("button, input:not([hidden]), select")].filter((element) =>
        !(element.ariaLabel || element.labels?.length || element.textContent.trim())).map((element) => element.id)""")
    assert unnamed == []
    live.focus("#live-own")
    live.keyboard.press("Tab")
    assert live.evaluate("document.activeElement.id") == "begin"
    live.keyboard.press("Enter")
    until(live, "studio.live.state == 'on'")
    live.keyboard.press("Enter")
    until(live, "studio.live.state == 'off'")
