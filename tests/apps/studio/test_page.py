"""The page in a real browser, served by a real process, at what people do with it."""

import json
from pathlib import Path

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.studio.json_schema import REQUEST, WITHOUT_CONTROL, basic_fields
from melodysynthesis.constraints.rules import describe
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.request import Request
from tests.apps.studio.chromium import CHROMIUM, opened, unfold, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

TUNE = b"X:1\nT:<img src=x onerror=alert(1)>\nM:3/4\nL:1/4\nK:G\nGAB|cBA|G2E|F3|\n"


def melody_of(page):
    saved(page)
    return melody_json.from_dict(page.evaluate("studio.store.take.melody"))


def generate(page, **fields):
    for name, value in {"bars": 4, "meter": "4/4", "key": "G major", "count": 1, "seed": 5, **fields}.items():
        unfold(page, f"#ask-{name}")
        page.fill(f"#ask-{name}", str(value))
    page.click("#generate")
    settled(page)


def settled(page):
    until(page, "!studio.store.pending && !studio.store.saving && studio.store.take.melody.notes.length > 0")


def saved(page):
    until(page, "!studio.store.saving")


def open_text(page, text, name="tune.abc"):
    item = page.evaluate("studio.store.item.id")
    page.set_input_files("#file", {"name": name, "mimeType": "text/plain", "buffer": text})
    until(page, f"studio.store.item.id !== '{item}' && !studio.store.saving")


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
        saved(page)
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
    for key in ("Alt+ArrowUp", "Shift+ArrowLeft", "Alt+ArrowLeft", "n"):
        page.keyboard.press(key)
    assert notes() == [(12, 60, drawn[2] - 1), (72, 12, drawn[2] - 1)]
    page.keyboard.press("Delete")
    assert notes() == [(12, 60, drawn[2] - 1)]
    for _ in range(8):
        page.keyboard.press("Control+z")
        saved(page)
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
    assert page.evaluate("location.hash").startswith("#")
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
    open_text(page, TUNE)
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
    open_text(page, TUNE, name)
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
    unfold(page, "#ask-seed")
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
    page.wait_for_selector("#work", state="visible")
    assert page.evaluate("studio.store.take.request.seed") == 4
    assert len(melody_of(page).notes) == page.evaluate("studio.store.take.surprise.length")


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    page.set_viewport_size({"width": 390, "height": 844})
    generate(page)
    page.wait_for_selector("#score .note")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_accessibility_check_finds_nothing_at_any_width_in_light_and_dark(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page.select_option("#ask-scale", "major")
    generate(page, count=2)
    page.wait_for_selector("#score .note")
    found = []
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for theme in ("light", "dark"):
            page.evaluate(f"studio.store.play({{theme: '{theme}'}})")
            page.wait_for_timeout(300)  # colours fade from one theme to the other
            violations = axe.Axe().run(page).response["violations"]
            found += [(width, theme, violation["id"]) for violation in violations]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#library-open")
    found += [violation["id"] for violation in axe.Axe().run(page).response["violations"]]
    assert found == []


SHIFTS = """window.shifts = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true })"""


def test_nothing_moves_while_the_page_is_made(page, address):
    page.add_init_script(SHIFTS)
    opened(page, address)
    page.wait_for_timeout(500)
    assert page.evaluate("window.shifts") < 0.02


def test_on_a_phone_targets_are_large_and_the_request_comes_before_the_results(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator("#ask").bounding_box()["y"] < page.locator("#work").bounding_box()["y"]
    small = page.evaluate("""[...document.querySelectorAll(
        "button, input:not([type=checkbox]), select, summary, .tick label")]
        .filter((element) => element.offsetParent && element.getBoundingClientRect().height < 43.5)
        .map((element) => element.id || element.textContent)""")
    assert small == []


def test_focus_goes_with_generate_to_stop_and_back(page):
    page.fill("#ask-bars", "8")
    page.fill("#ask-count", "8")
    page.focus("#generate")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'stop'")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'generate'")


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


EXAMPLES = {
    "model": "lstm", "key": "A minor", "meter": "5/4", "pickup": "1/2", "meters": "3/4 x4, 4/4 x4", "title": "Evening",
    "plan": "A:8 B:8 last:1",
}  # fmt: skip


def test_every_field_of_a_request_has_a_control_that_asks_for_it(page):
    """But those that are named, each with what says it instead."""
    page.evaluate("document.querySelectorAll('#fields details').forEach((one) => { one.open = true; })")
    fields = {field["name"]: field for field in (*basic_fields(), *describe())}
    assert set(fields) | set(WITHOUT_CONTROL) == set(REQUEST["properties"])
    wanted = {name: field.get("example", EXAMPLES.get(name, field.get("max") or 1)) for name, field in fields.items()}
    wanted["temperature"] = 0.9
    for name, field in fields.items():
        control = page.locator(f"#ask-{name}")
        assert control.count() == 1, name
        if field["kind"] == "flag":
            control.set_checked(field["example"])
        elif field["kind"] == "choice" or name == "model":
            control.select_option(str(wanted[name]))
        else:
            control.fill(str(wanted[name]))
    found = page.evaluate("studio.store.fields")
    assert {name: found.get(name) for name in wanted} == wanted


def test_a_rule_is_guaranteed_or_a_wish_and_a_wish_that_can_not_be_kept_is_left_out(page):
    unfold(page, "#ask-max_leap")
    page.fill("#ask-range", "C4-G4")
    page.fill("#ask-first_degree", "1")
    page.fill("#ask-climax", "1:E5")
    page.fill("#ask-bars", "1")
    page.click("#generate")
    page.wait_for_selector("#message.mistake")
    page.get_by_role("button", name="Climax: a wish").click()
    assert page.evaluate("studio.store.fields.prefer") == "climax"
    page.click("#generate")
    settled(page)
    assert page.evaluate("studio.store.take.request.prefer") == "climax"


def test_a_search_leaves_the_rules_that_say_its_words(page):
    unfold(page, "#ask-climax")
    page.get_by_placeholder("Search the rules").first.fill("highest note")
    shown = page.locator("#fields fieldset:has([type=search]) .field:visible label").all_inner_texts()
    assert "Climax" in shown
    assert "Rhythm" not in shown


def test_a_preset_fills_in_the_form_and_each_is_a_request(page):
    for name in page.locator("#preset option").all_inner_texts()[1:]:
        page.select_option("#preset", name)
        Request(**page.evaluate("studio.store.fields"))
    page.select_option("#preset", "a jig")
    assert page.input_value("#ask-meter") == "6/8"


def test_chords_are_found_for_a_melody(page):
    generate(page)
    page.click("#harmony summary")
    page.fill("#ways", "2")
    page.click("#harmonise")
    until(page, "studio.store.take.melody.chords?.length > 0 && !studio.store.saving")
    assert page.locator("#alternatives [role=tab]").count() == 2


def test_what_is_opened_while_melodies_are_written_replaces_nothing(page):
    generate(page, bars=2)
    before, item = melody_of(page), page.evaluate("studio.store.item.id")
    page.fill("#ask-bars", "8")
    page.fill("#ask-count", "8")
    page.click("#generate")
    until(page, "!!studio.store.pending")
    open_text(page, TUNE)
    tune = melody_of(page)
    assert len(tune.notes) == page.locator("#roll .note").count() == 9
    until(page, "studio.store.written.size === 0 && !studio.store.saving")
    assert melody_of(page) == tune
    page.evaluate(f"studio.store.visit('{item}')")
    settled(page)
    assert page.locator("#alternatives [role=tab]").count() == 8
    page.click("#undo")
    assert melody_of(page) == before


def test_undo_survives_a_reload_and_another_tab_shows_what_this_one_does(page, address):
    generate(page, bars=2)
    first = melody_of(page)
    other = page.context.new_page()
    opened(other, address)
    assert melody_of(other) == first
    page.click("#more")
    longer = melody_of(page)
    until(other, f"studio.store.take.melody.duration === {longer.duration}")
    opened(page, address)
    assert melody_of(page) == longer
    page.click("#undo")
    assert melody_of(page) == first
    until(other, f"studio.store.take.melody.duration === {first.duration}")


def test_an_older_version_is_restored_from_the_library(page):
    open_text(page, TUNE)
    before = melody_of(page)
    page.click("#more")
    page.click("#more")
    page.click("#library-open")
    page.locator("#library-items .versions li").last.get_by_role("button").click()
    until(page, f"studio.store.take.melody.duration === {before.duration}")
    assert melody_of(page) == before
    assert page.locator("#library-items .versions li").count() == 4
    page.click("#library-close")


def test_a_note_is_deleted_by_a_double_click_and_does_not_run_away_from_a_drag(page):
    area = page.locator("#roll .field-of-notes svg").bounding_box()
    x, y = area["x"] + 20, area["y"] + 22 + 8 * 11 + 5
    page.mouse.click(x, y)
    saved(page)
    ((_, _, pitch),) = page.evaluate("studio.store.take.melody.notes")
    page.wait_for_timeout(500)
    page.mouse.move(x, y)
    page.mouse.down()
    for row in range(1, 9):
        page.mouse.move(x, y - 11 * row)
    page.mouse.up()
    saved(page)
    ((_, _, moved),) = page.evaluate("studio.store.take.melody.notes")
    assert moved - pitch == 8
    page.wait_for_timeout(500)
    box = page.locator("#roll .note").bounding_box()
    page.mouse.dblclick(box["x"] + 5, box["y"] + 5)
    saved(page)
    assert page.evaluate("studio.store.take.melody.notes") == []


def test_without_bars_nothing_is_rewritten_and_one_field_means_one_bar(page):
    generate(page)
    before = melody_of(page)
    page.click("#rewrite")
    assert "Choose the bars" in page.inner_text("#message")
    page.fill("#to", "3")
    page.click("#rewrite")
    until(page, "!!studio.store.pending || studio.store.item.past.length > 1")
    settled(page)
    assert page.evaluate("studio.store.take.request.rewrite") == "3-3"
    kept = [[note for note in melody.notes if not 192 <= note.onset < 288] for melody in (before, melody_of(page))]
    assert kept[0] == kept[1]


def test_rules_are_drawn_over_the_bars_and_kept_there(page):
    area = page.locator("#roll .field-of-notes svg").bounding_box()
    x, y = area["x"] + area["width"] / 8 + 4, area["y"] + 22 + 8 * 11 + 5
    page.select_option("#pen", "fixed")
    page.mouse.click(x, y)
    fixed = page.evaluate("studio.store.fields.fixed")
    assert fixed.startswith("2.1:")
    assert page.evaluate("studio.store.take.melody.notes") == []
    assert page.locator("#roll .pin").count() == 1
    page.select_option("#pen", "contour")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 33)
    page.mouse.move(x + 80, y)
    page.mouse.up()
    assert set(page.evaluate("studio.store.fields.contour").split()) <= {"+", "-", "0"}
    page.fill("#ask-contour", "")
    generate(page)
    assert melody_json.from_dict(page.evaluate("studio.store.take.melody")).notes
    assert page.evaluate("studio.store.take.melody.notes.some(([onset]) => onset === 96)")
    assert page.locator("#roll .pin").count() == 1


def test_a_deliberate_note_that_stays_does_not_block_a_rewrite(page):
    generate(page)
    notes = page.evaluate("studio.store.take.melody.notes")
    change = "(notes) => studio.store.change({melody: {...studio.store.take.melody, notes}}, 'by hand')"
    page.evaluate(change, [[*notes[0][:2], 61], *notes[1:]])
    page.select_option("#ask-scale", "major")
    page.fill("#from", "3")
    page.uncheck("#only-new")
    page.click("#rewrite")
    page.wait_for_selector("#message.mistake")
    page.check("#only-new")
    page.click("#rewrite")
    until(page, "studio.store.take.request?.rules_for === 'new'")
    settled(page)
    assert page.evaluate("studio.store.take.melody.notes[0][2]") == 61
    until(page, "studio.store.take.certificate?.verdict === 'kept'")


def test_files_have_the_tempo_title_and_composer_of_the_page(page, tmp_path):
    open_text(page, TUNE)
    for field, value in {"#title": "Morning", "#composer": "A. Person", "#tempo": "77"}.items():
        page.fill(field, value)
        page.dispatch_event(field, "change")
    saved(page)
    with page.expect_download() as download:
        page.click("[data-format=mid]")
    assert download.value.suggested_filename == "Morning.mid"
    download.value.save_as(tmp_path / "melody.mid")
    melody = formats.read(tmp_path / "melody.mid").melodies[0]
    assert (melody.title, melody.composer, round(melody.tempo)) == ("Morning", "A. Person", 77)


def test_a_melody_without_notes_is_not_checked_for_ever_and_a_failed_check_says_so(page):
    generate(page, bars=1)
    page.evaluate("studio.store.change({melody: {...studio.store.take.melody, notes: []}}, 'emptied')")
    saved(page)
    assert page.inner_text("#certificate") == "There are no notes to check."
    page.click("#undo")
    saved(page)
    page.route("**/api/judge", lambda route: route.abort())
    page.click("#more")
    page.get_by_role("button", name="Check again").first.wait_for()
    page.unroute("**/api/judge")
    page.get_by_role("button", name="Check again").first.click()
    page.wait_for_selector("#certificate .verdict")


def test_a_damaged_link_says_so_and_leaves_the_work(page, address):
    generate(page, bars=2)
    before = melody_of(page)
    page.goto(f"{address}/#eyJtZWxvZHkiOnsibm90ZXMiOltdLCJkdXJhdGlvbiI6NCwibWV0ZXJzIjpbWzAsMCw0XV19fQ")
    page.wait_for_selector("#message.mistake")
    assert "0/4 is not a meter" in page.inner_text("#message")
    assert melody_of(page) == before


def test_a_request_that_was_taken_away_is_opened(page):
    open_text_now = {"name": "r.json", "mimeType": "text/plain", "buffer": b'{"seed": 9, "bars": 3, "particles": 12}'}
    page.set_input_files("#file", open_text_now)
    until(page, "document.querySelector('#ask-seed').value === '9'")
    assert page.input_value("#ask-particles") == "12"


def test_several_files_each_have_an_item_and_tunes_their_names(page):
    book = TUNE + b"\nX:2\nT:The other\nM:3/4\nL:1/4\nK:G\nGGG|\n"
    files = [
        {"name": name, "mimeType": "text/plain", "buffer": text}
        for name, text in {"a.abc": TUNE, "b.abc": book}.items()
    ]
    page.set_input_files("#file", files)
    until(page, "studio.store.item.name === 'b' && !studio.store.saving")
    assert "The other" in page.inner_text("#alternatives [role=tab]:nth-child(2)")
    assert page.evaluate("studio.library.list().then((items) => items.length)") == 3
