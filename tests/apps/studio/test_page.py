"""The page in a real browser, served by a real process, at what people do with it."""

import json
from pathlib import Path

import pytest

from melodysynthesis import formats
from melodysynthesis.formats import json as melody_json
from tests.apps.studio.chromium import CHROMIUM, opened, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open the page in")

TUNE = b"X:1\nT:<img src=x onerror=alert(1)>\nM:3/4\nL:1/4\nK:G\nGAB|cBA|G2E|F3|\n"


def melody_of(page):
    return melody_json.from_dict(page.evaluate("studio.store.take.melody"))


def generate(page, **fields):
    for name, value in {"bars": 4, "meter": "4/4", "key": "G major", "count": 1, "seed": 5, **fields}.items():
        page.fill(f"#ask-{name}", str(value))
    page.click("#generate")
    settled(page)


def settled(page):
    until(page, "!studio.store.pending && studio.store.take.melody.notes.length > 0")


def test_a_generated_melody_is_seen_in_roll_and_score_with_its_certificate(page):
    page.select_option("#ask-scale", "major")
    generate(page, range="D4-G5", count=3)
    notes = len(melody_of(page).notes)
    assert page.locator("#roll .note").count() == notes
    until(page, f"document.querySelectorAll('#score .note').length >= {notes}")  # before, drafts are engraved
    assert page.locator("#alternatives [role=tab]").count() == 3
    assert page.inner_text("#certificate .verdict") == "Every rule is kept."
    assert page.locator("#certificate .kept").count() == 5
    first = melody_of(page)
    page.keyboard.press("Tab")
    page.click("#alternatives [role=tab]:nth-child(2)")
    assert melody_of(page) != first


def test_notes_are_drawn_moved_lengthened_and_removed_and_every_step_undone(page):
    area = page.locator("#roll .field-of-notes svg")
    box = area.bounding_box()

    def notes():
        return [tuple(note) for note in page.evaluate("studio.store.take.melody.notes")]

    def drag(start, end):
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        page.mouse.move(*end)
        page.mouse.up()

    y = box["y"] + 22 + 5 * 11 + 5
    quarter = box["width"] / 24  # eight bars of 3/4
    drag((box["x"] + 3, y), (box["x"] + 2 * quarter - 4, y))
    (drawn,) = notes()
    assert drawn[:2] == (0, 48)
    drag((box["x"] + quarter, y), (box["x"] + 2 * quarter, y + 22))  # a quarter later, two semitones lower
    assert notes() == [(24, 48, drawn[2] - 2)]
    edge = (box["x"] + 3 * quarter - 2, y + 22)
    drag(edge, (edge[0] + quarter - 4, edge[1]))
    assert notes() == [(24, 72, drawn[2] - 2)]
    for key in ("ArrowUp", "Shift+ArrowLeft", "Alt+ArrowLeft", "n"):
        page.keyboard.press(key)
    assert notes() == [(12, 60, drawn[2] - 1), (72, 12, drawn[2] - 1)]
    page.keyboard.press("Delete")
    assert notes() == [(12, 60, drawn[2] - 1)]
    for _ in range(8):
        page.keyboard.press("Control+z")
    assert notes() == []
    assert page.is_disabled("#undo")
    page.keyboard.press("Control+y")
    assert notes() == [drawn]


def test_it_sounds_and_the_views_follow(page):
    generate(page)
    page.wait_for_selector("#score .note")
    page.click("#play")
    page.wait_for_selector("#roll .note.sounding")
    page.wait_for_selector("#score .note.sounding")
    until(
        page,
        """() => {
        const data = new Float32Array(2048);
        studio.player.analyser.getFloatTimeDomainData(data);
        return Math.max(...data.map(Math.abs)) > 0.01;
    }""",
    )
    page.click("#play")
    assert page.locator(".sounding").count() == 0


def test_bars_are_rewritten_and_the_rest_stays(page):
    generate(page)
    before = melody_of(page)
    page.fill("#from", "2")
    page.fill("#to", "3")
    page.click("#rewrite")
    settled(page)
    after = melody_of(page)
    assert [note for note in after.notes if note.onset < 96] == [note for note in before.notes if note.onset < 96]
    assert after.duration == before.duration
    assert "rewrite" in page.evaluate("studio.store.take.request")
    page.click("#undo")
    assert melody_of(page) == before


def test_it_goes_on_from_the_end(page):
    generate(page, bars=2)
    before = melody_of(page)
    page.click("#continue")
    until(page, "studio.store.take.melody.duration == 4 * 96")
    settled(page)
    assert melody_of(page).notes[: len(before.notes)] == before.notes


def test_a_reload_keeps_the_work_and_what_is_asked_for(page, address):
    generate(page, range="D4-A5")
    before = melody_of(page)
    opened(page, address)
    assert melody_of(page) == before
    assert page.input_value("#ask-range") == "D4-A5"


def test_a_link_makes_the_melody_again(page, browser, address):
    generate(page, count=2)
    page.click("#alternatives [role=tab]:nth-child(2)")
    melody = melody_of(page)
    page.click("#link")
    until(page, "location.hash.length > 9")
    other = browser.new_context().new_page()
    other.goto(page.url)
    until(other, "!!window.studio?.store.take.certificate")
    assert melody_of(other) == melody
    other.context.close()


def test_an_impossible_request_names_the_rules_that_conflict(page):
    page.select_option("#ask-scale", "major")
    page.fill("#ask-range", "C#4-C#4")
    page.fill("#ask-key", "C major")
    page.click("#generate")
    page.wait_for_selector("#message.mistake")
    assert page.inner_text("#message").startswith("no melody keeps scale major and range")
    assert page.get_attribute("#ask-range", "aria-invalid") == "true"
    assert page.get_attribute("#ask-scale", "aria-invalid") == "true"
    assert page.get_attribute("#ask-bars", "aria-invalid") is None


@pytest.mark.parametrize("format", ["mid", "musicxml", "abc", "krn", "json"])
def test_files_that_are_taken_away_hold_the_melody(page, tmp_path, format):
    page.set_input_files("#file", {"name": "tune.abc", "mimeType": "text/plain", "buffer": TUNE})
    settled(page)
    with page.expect_download() as download:
        page.click(f"[data-format={format}]")
    file = tmp_path / f"melody.{format}"
    download.value.save_as(file)
    melody = formats.read(file).melodies[0]
    assert (melody.notes, melody.meters, melody.key) == tuple(
        getattr(melody_of(page), name) for name in ("notes", "meters", "key")
    )


def test_the_request_is_taken_away_and_makes_the_melody_again(page, tmp_path):
    generate(page, seed=12)
    with page.expect_download() as download:
        page.click("[data-format=request]")
    download.value.save_as(tmp_path / "request.json")
    request = json.loads(Path(tmp_path / "request.json").read_text())
    assert request["seed"] == 12
    assert request["key"] == "G major"


def test_a_broken_file_is_told_and_a_title_is_text(page):
    page.set_input_files("#file", {"name": "broken.mid", "mimeType": "audio/midi", "buffer": b"MThd\0\0\0\6\0"})
    page.wait_for_selector("#message.mistake")
    assert "broken.mid" in page.inner_text("#message")
    name = "<img src=x onerror=document.title=1>.abc"
    page.set_input_files("#file", {"name": name, "mimeType": "text/plain", "buffer": TUNE})
    settled(page)
    page.wait_for_selector("#score .note")
    assert len(melody_of(page).notes) == 9
    assert page.locator("img").count() == 0


def test_a_file_is_dropped_on_the_page(page):
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "tune.abc"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        TUNE.decode(),
    )
    settled(page)
    assert len(melody_of(page).notes) == 9


def test_one_request_goes_through_every_model(page):
    page.click("#view-compare")
    page.fill("#ask-bars", "2")
    page.fill("#ask-seed", "4")
    page.click("#generate")
    page.wait_for_selector("#generate", state="visible")
    rows = page.evaluate("document.querySelectorAll('#rows section').length")
    assert rows == page.locator("#ask-model option").count() >= 2
    first = page.locator("#rows section").first
    first.locator(".score .note").first.wait_for()
    until(page, "document.querySelectorAll('#rows section:first-child .surprise').length > 0")
    assert "every rule kept" in first.inner_text()
    first.get_by_text("Compose with it").click()
    assert page.is_visible("#work")
    assert page.evaluate("studio.store.take.request.seed") == 4
    assert len(melody_of(page).notes) == page.evaluate("studio.store.take.surprise.length")


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    page.set_viewport_size({"width": 390, "height": 844})
    generate(page)
    page.wait_for_selector("#score .note")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing(page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page.select_option("#ask-scale", "major")
    generate(page, count=2)
    page.wait_for_selector("#score .note")
    page.evaluate(f"studio.store.play({{theme: '{theme}'}})")
    page.wait_for_timeout(300)  # colours fade from one theme to the other
    found = axe.Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_everything_has_a_name_and_can_be_reached_by_keys(page):
    page.focus("#ask-bars")
    page.fill("#ask-bars", "2")
    page.keyboard.press("Enter")
    settled(page)
    unnamed = page.evaluate("""[...document.querySelectorAll("button, input:not([hidden]), select")].filter((element) =>
        !(element.ariaLabel || element.labels?.length || element.textContent.trim())).map((element) => element.id)""")
    assert unnamed == []
    out_of_reach = page.evaluate("""[...document.querySelectorAll("button, input, select")]
        .filter((element) => element.tabIndex < 0 && element.getAttribute("role") !== "tab" && !element.hidden)
        .map((element) => element.id)""")
    assert out_of_reach == []
