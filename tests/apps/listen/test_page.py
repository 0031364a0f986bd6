"""The page in a real browser: a listening test from consent to thanks by keyboard, and what may go wrong on the way."""

import pytest

from melodysynthesis.apps.listen.answers import load_answers
from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.design import REAL, Shape
from melodysynthesis.apps.listen.results import attention
from melodysynthesis.apps.listen.store import Store
from tests.apps.studio import chromium
from tests.apps.studio.chromium import CHROMIUM, PATIENCE, until

from .conftest import SETS, fill
from .serving import served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

SHORT = Shape((4, 4, 4), ratings=2, pairs=2, seed=3)
TOTAL = SHORT.ratings + SHORT.pairs + 4  # four checks


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("listen") / "answers.sqlite")
    with opened(path, make=True) as engine:
        fill(Store(engine), shape=SHORT)
    return path


@pytest.fixture(scope="module")
def address(database):
    with served(database) as (_, address):
        yield address


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """The page as somebody sees it for the first time; what goes wrong in it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    chromium.opened(page, address)
    yield page
    context.close()
    assert not errors


def begin(page):
    page.check("#agreed")
    page.click("#agree button")
    page.wait_for_selector("#question:not([hidden])")


def hear(page):
    """Every melody of the question to its end."""
    for number in range(page.locator(".melody").count()):
        page.locator(".melody button").nth(number).click()
        page.locator(".played", has_text="heard").nth(number).wait_for()


def focused(page, name):
    """Tab on until what has the focus has this name."""
    for _ in range(20):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.textContent ?? "
            "document.activeElement.textContent).trim()"
        )
        if found == name:
            return
    raise AssertionError(f"{name} can't be reached by Tab")


def test_a_whole_listening_test_by_keyboard(page, database):
    focused(page, "I have read this, and I take part.")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    for place in range(TOTAL):
        until(page, f"document.querySelector('#count').textContent === '{place + 1} of {TOTAL}'")
        told = page.inner_text("#demand") if page.is_visible("#demand") else ""
        names = page.locator(".melody strong").all_inner_texts()
        for number, name in enumerate(names):
            focused(page, f"Play {name}")
            page.keyboard.press("Enter")
            page.locator(".played", has_text="heard").nth(number).wait_for()
        if len(names) == 2:
            focused(page, "Melody A")
            page.keyboard.press("Space")
            for _ in range(2 if "choose Melody B" in told else 0 if "choose Melody A" in told else 1):
                page.keyboard.press("ArrowRight")
        else:
            wanted = next((int(number) for number in "1234567" if f"choose {number} in" in told), 4)
            for _ in range(2):
                focused(page, "1")
                page.keyboard.press("Space")
                for _ in range(wanted - 1):
                    page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    page.wait_for_selector("#end:not([hidden])")
    assert page.evaluate("document.activeElement.textContent") == "Thank you"
    with opened(database) as engine:
        participant = load_answers(engine, Store(engine).find(None))[-1]
    assert all(line.answer for line in participant.trials)
    (me,) = attention([participant])
    assert me.failed == ()
    real = [line.answer for line in participant.trials if line.trial.purpose == REAL]
    assert {given.choice for given in real if given.choice} == {"neither"}
    assert {(given.pleasing, given.human) for given in real if not given.choice} == {(4, 4)}
    assert all(0.5 < line.seconds < 90 for line in participant.trials)


def test_nobody_answers_what_they_have_not_heard(page):
    begin(page)
    assert page.locator("#answers input:enabled").count() == 0
    page.keyboard.press("Enter")
    page.locator(".melody button").click()
    until(page, "document.querySelector('.melody progress').value > 0")
    page.locator(".melody button").click()  # stopped half-way
    page.wait_for_timeout(200)
    assert page.locator("#answers input:enabled").count() == 0
    hear(page)
    assert page.locator("#answers input:enabled").count() == 14
    assert page.is_disabled("#next")
    page.locator("input[name=pleasing]").first.check()
    assert page.is_disabled("#next")
    page.locator("input[name=human]").first.check()
    assert page.is_enabled("#next")
    assert page.inner_text("#count") == f"1 of {TOTAL}"


def answer(page):
    hear(page)
    for name in ("pleasing", "human"):
        page.locator(f"input[name={name}]").nth(2).check()
    page.click("#next")


def test_a_reload_goes_on_where_it_was(page, address):
    begin(page)
    answer(page)
    until(page, f"document.querySelector('#count').textContent === '2 of {TOTAL}'")
    code = page.text_content("#code")
    chromium.opened(page, address)
    assert page.inner_text("#count") == f"2 of {TOTAL}"
    assert page.text_content("#code") == code


def test_where_the_server_is_out_of_reach_the_answer_waits(page):
    begin(page)
    hear(page)
    for name in ("pleasing", "human"):
        page.locator(f"input[name={name}]").nth(2).check()
    page.context.set_offline(True)
    page.click("#next")
    page.wait_for_selector("#message.mistake")
    assert "Nothing is lost" in page.inner_text("#message")
    assert page.is_enabled("#next")
    page.context.set_offline(False)
    page.click("#next")
    until(page, f"document.querySelector('#count').textContent === '2 of {TOTAL}'")
    assert page.inner_text("#message") == ""


def test_a_melody_that_can_t_be_fetched_can_be_asked_for_again(page):
    begin(page)
    page.context.set_offline(True)
    page.locator(".melody button").click()
    page.wait_for_selector("#message.mistake")
    page.context.set_offline(False)
    hear(page)
    assert page.locator("#answers input:enabled").count() == 14


def test_an_answer_given_in_another_tab_is_not_given_twice(page, address):
    begin(page)
    other = page.context.new_page()
    chromium.opened(other, address)
    answer(other)
    until(other, f"document.querySelector('#count').textContent === '2 of {TOTAL}'")
    page.locator(".melody button").click()  # which is not its turn any more
    until(page, f"document.querySelector('#count').textContent === '2 of {TOTAL}'")
    hear(page)
    for name in ("pleasing", "human"):
        page.locator(f"input[name={name}]").last.check()
    answer(other)
    until(other, f"document.querySelector('#count').textContent === '3 of {TOTAL}'")
    page.click("#next")
    until(page, f"document.querySelector('#count').textContent === '3 of {TOTAL}'")


def test_somebody_deletes_their_answers(page, database):
    with opened(database) as engine:
        before = len(load_answers(engine, Store(engine).find(None)))
    begin(page)
    answer(page)
    until(page, f"document.querySelector('#count').textContent === '2 of {TOTAL}'")
    page.click("#own summary")
    page.click("#leave")
    page.click("#sure [value=keep]")
    assert page.is_visible("#question")
    page.click("#leave")
    page.click("#sure [value=delete]")
    page.wait_for_selector("#welcome:not([hidden])")
    assert page.inner_text("#message") == "All your answers are deleted."
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('listen')).length") == 0
    with opened(database) as engine:
        assert len(load_answers(engine, Store(engine).find(None))) == before


def test_texts_are_text_and_nothing_tells_of_sets(page):
    assert page.inner_text("h1") == "Which melody?"
    assert page.locator("#consent p").all_inner_texts() == ["First.", "Second <i>part</i>."]
    begin(page)
    assert not any(word in page.content() for word in (*SETS, "secret"))


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    page.set_viewport_size({"width": 360, "height": 740})
    for act in (lambda: None, lambda: begin(page), lambda: hear(page)):
        act()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing(page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        page.click("#theme")
    for act in (lambda: None, lambda: begin(page), lambda: hear(page), lambda: page.click("#own summary")):
        act()
        page.wait_for_timeout(300)  # colours fade from one theme to the other
        found = axe.Axe().run(page)
        assert [violation["id"] for violation in found.response["violations"]] == []
