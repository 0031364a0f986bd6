"""Comparing in a real browser: every model and baseline, their figures beside people's, and the report of a study."""

import pytest

from melodysynthesis.evaluation.descriptors import NAMES
from tests.apps.studio.chromium import CHROMIUM, unfold, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

DONE = "document.querySelector('#rows section:first-child .told').textContent.includes('notes')"


@pytest.fixture
def compared(page):
    """A page on which the models have written two bars; baselines may still be counted."""
    page.click("#view-compare")
    page.fill("#ask-bars", "2")
    unfold(page, "#ask-seed")
    page.fill("#ask-seed", "4")
    page.click("#generate")
    page.wait_for_selector("#generate", state="visible")
    until(page, DONE)
    return page


CELLS = "rows => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => [cell.innerText, cell.className]))"
"""Text and class of the cells of rows, read at once: the table is drawn again with each melody that comes."""


def test_figures_stand_beside_people_s(compared):
    page = compared
    assert page.locator("#beside tbody th").all_inner_texts() == list(NAMES)
    trained = page.locator("#rows section:not(:has(small))").count()
    assert page.locator("#beside thead th").count() >= 2 + trained
    assert "1,179 tunes" in page.inner_text("#beside")
    page.select_option("#beside select", "oneills")
    assert "1,179 tunes" not in page.inner_text("#beside")
    looked_at = 0
    for (band, _), *cells in page.locator("#beside tbody tr").evaluate_all(CELLS):
        low, high = map(float, band.split(" to "))
        margin = (high - low) / 10  # what is shown is rounded
        for text, marks in cells:
            shown = text.split()
            value = float(shown[0]) if shown and shown[0][-1].isdigit() else low
            if min(abs(value - low), abs(value - high)) > margin:
                assert ("out" in marks) == (value < low or value > high)
                looked_at += 1
    assert looked_at > len(NAMES)


def test_an_impossible_request_leaves_no_old_scores_and_marks_the_fields(compared):
    compared.select_option("#ask-scale", "major")
    compared.fill("#ask-key", "C major")
    compared.fill("#ask-range", "C#4-C#4")
    compared.click("#generate")
    compared.wait_for_selector("#compared.mistake")
    compared.wait_for_selector("#generate", state="visible")
    assert compared.get_attribute("#ask-range", "aria-invalid") == "true"
    assert compared.locator("#rows section:first-child .score svg").count() == 0
    assert compared.locator("#rows section:first-child .told.mistake").count() == 1


def test_baselines_are_among_them_or_it_says_why_not(page):
    why, names = page.evaluate("""async () => {
        const ask = async (name) => (await fetch(`/api/${name}`)).json();
        const models = (await ask("models")).filter((model) => model.baseline);
        return [(await ask("terms")).no_baselines, models.map((model) => model.name)];
    }""")
    page.click("#view-compare")
    assert page.inner_text("#baselines") == (why or "")
    assert names == ([] if why else ["ppm", "ngram", "constant"])
    assert page.locator("#rows small").count() == len(names)


def test_without_a_study_it_says_how_to_carry_one_out(page):
    page.click("#view-compare")
    assert "melody studio --study" in page.inner_text("#study")
    assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing(compared, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    compared.evaluate(f"studio.store.play({{theme: '{theme}'}})")
    compared.wait_for_timeout(300)  # colours fade from one theme to the other
    found = axe.Axe().run(compared)
    assert [violation["id"] for violation in found.response["violations"]] == []


def test_on_a_phone_nothing_is_wider_than_the_screen(compared):
    compared.set_viewport_size({"width": 390, "height": 844})
    compared.wait_for_timeout(300)
    assert compared.evaluate("document.documentElement.scrollWidth") <= 390
