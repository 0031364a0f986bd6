"""A seeded walk of random actions over the page, as an impatient person would: three things hold after each.

Roll, score, player and downloads say one melody; nothing that was saved is gone; every control works, without an
uncaught error. A second tab changes the melody, the page is loaded again, and the server is killed and comes back.
"""

import json
import random
from pathlib import Path

import pytest

from tests.apps.studio.chromium import CHROMIUM, opened, unfold, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

TUNES = (
    b"X:1\nT:One\nM:3/4\nL:1/4\nK:G\nGAB|cBA|G3|\n",
    b"X:1\nT:Two\nC:Somebody\nQ:1/4=90\nM:4/4\nL:1/8\nK:D\nDEFG ABcd|d8|\n",
    b"X:1\nT:A\nM:3/4\nL:1/4\nK:G\nG3|\n\nX:2\nT:B\nM:3/4\nL:1/4\nK:G\nA3|B3|\n",
    b"no score at all",
)
LINKS = (
    "#eyJub3RoaW5nIjoxfQ",
    "#eyJtZWxvZHkiOnsibm90ZXMiOltbMCwyNCw2MF1dLCJkdXJhdGlvbiI6OTYsIm1ldGVycyI6W1swLDQsNF1dfX0",
)
STATE = """async () => {
    const { store, roll, score, library, player } = studio;
    const kept = {};
    for (const item of await library.list()) {
        for (const { number, work } of await library.versions(item.id)) {
            kept[`${item.id} ${number}`] = work.takes.map((take) => take.melody.notes.join(" ")).join(" | ");
        }
    }
    const visible = (id) => !document.getElementById(id).hidden;
    return {
        kept, saving: store.saving, writing: store.written.size > 0, notes: store.take.melody.notes,
        roll: roll.melody.notes, score: score.wanted?.notes, plays: player.melody.notes,
        rects: document.querySelectorAll("#roll .note").length, buttons: [visible("generate"), visible("stop")],
    };
}"""
FILES, KILLED = 0.05, 0.01  # how often a file is downloaded, and the server killed
QUIET = "studio.store.saving === 0"


class Walk:
    """The page, and what was saved in it."""

    def __init__(self, page, server, seed):
        self.page, self.server, self.address = page, server, server.address
        self.random, self.saved = random.Random(seed), {}
        self.actions = [
            self.draw, self.draw, self.drag, self.delete, self.key, self.key, self.generate, self.generate, self.stop,
            self.open, self.link, self.view, self.click, self.click, self.click, self.reload, self.restore,
            self.rewrite, self.other_tab, self.away, self.preset,
        ]  # fmt: skip

    def at(self):
        box = self.page.locator("#roll .field-of-notes svg").bounding_box()
        width = min(box["width"], 800)
        return box["x"] + self.random.random() * width, box["y"] + 40 + self.random.random() * (box["height"] - 90)

    def compose(self):
        self.page.click("#view-compose")

    def draw(self):
        self.compose()
        self.page.mouse.click(*self.at())

    def drag(self):
        self.compose()
        self.page.mouse.move(*self.at())
        self.page.mouse.down()
        for _ in range(3):
            self.page.mouse.move(*self.at())
        self.page.mouse.up()

    def delete(self):
        self.compose()
        notes = self.page.locator("#roll .note")
        if notes.count() and not self.page.evaluate("!!studio.store.pending"):
            box = notes.nth(self.random.randrange(notes.count())).bounding_box()
            self.page.mouse.dblclick(box["x"] + 2, box["y"] + 4)

    def key(self):
        self.compose()
        self.page.focus("#roll .field-of-notes")
        for _ in range(self.random.randint(1, 4)):
            keys = ("ArrowUp", "ArrowDown", "ArrowRight", "Alt+ArrowRight", "Shift+ArrowLeft", "n", "Delete", "Home")
            self.page.keyboard.press(self.random.choice((*keys, "Control+z", "Control+y", "Shift+ArrowUp")))

    def generate(self):
        self.compose()
        for name, value in {"bars": self.random.randint(1, 4), "count": self.random.randint(1, 3)}.items():
            self.page.fill(f"#ask-{name}", str(value))
        unfold(self.page, "#ask-rank")
        self.page.set_checked("#ask-rank", self.random.random() < 0.2)
        if self.page.is_visible("#generate"):
            self.page.click("#generate")
        if self.random.random() < 0.5:
            until(self.page, "studio.store.written.size === 0")

    def stop(self):
        if self.page.is_visible("#stop"):
            self.page.click("#stop", timeout=3000, no_wait_after=True, force=True)

    def open(self):
        text = self.random.choice(TUNES)
        self.page.set_input_files("#file", {"name": "t.abc", "mimeType": "text/plain", "buffer": text})

    def link(self):
        self.page.evaluate("(link) => { location.hash = link }", self.random.choice(LINKS))

    def view(self):
        self.page.click(self.random.choice(("#view-compare", "#view-live", "#view-compose")))

    def click(self):
        self.compose()
        names = ("undo", "redo", "more", "less", "play", "halt", "loop", "click", "backing", "new", "theme", "rewrite")
        name = self.random.choice((*names, "vary", "continue", "harmonise", "countin", "tap", "only-new"))
        self.page.evaluate("(id) => document.getElementById(id).click()", name)

    def rewrite(self):
        self.compose()
        self.page.fill("#from", str(self.random.randint(0, 5)))
        self.page.evaluate("document.getElementById('rewrite').click()")

    def reload(self):
        until(self.page, QUIET)
        opened(self.page, self.address)

    def restore(self):
        self.page.click("#library-open")
        buttons = self.page.locator("#library-items .versions button")
        if buttons.count():
            buttons.nth(self.random.randrange(buttons.count())).click()
        self.page.click("#library-close")

    def other_tab(self):
        other = self.page.context.new_page()
        opened(other, self.address)
        other.click("#more")
        until(other, QUIET)
        other.close()

    def away(self):
        """The server does not answer for a moment."""
        self.page.route("**/api/**", lambda route: route.abort())
        self.draw()
        until(self.page, QUIET)
        self.page.unroute("**/api/**")

    def preset(self):
        self.compose()
        names = self.page.locator("#preset option").all_inner_texts()[1:]
        self.page.select_option("#preset", self.random.choice(names))

    def killed(self):
        """The server is killed, and comes back."""
        self.server.kill()
        self.draw()
        if self.page.is_visible("#generate"):
            self.page.click("#generate")
        until(self.page, f"{QUIET} && studio.store.written.size === 0")
        self.server.start()

    def downloaded(self):
        """The notes of the file that is downloaded now."""
        with self.page.expect_download() as download:
            self.page.click("[data-format=json]")
        return json.loads(Path(download.value.path()).read_text())["notes"]

    def check(self, what):
        state = {"saving": 1}
        while state["saving"]:
            until(self.page, QUIET)
            state = self.page.evaluate(STATE)
        if not state["writing"]:  # else there are drafts, which are drawn with the next frame
            assert state["roll"] == state["plays"] == state["score"] == state["notes"], (what, state)
            assert state["rects"] == len(state["notes"]), what
            if self.random.random() < FILES and self.page.is_visible("#downloads"):
                assert self.downloaded() == state["notes"], what
        assert sorted(state["buttons"]) == [False, True], what
        gone = {key for key, notes in self.saved.items() if state["kept"].get(key) != notes}
        assert not gone, (what, gone)
        self.saved = state["kept"]


@pytest.mark.parametrize("actions", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_whatever_is_done_views_agree_nothing_is_gone_and_all_works(page, server, actions):
    walk = Walk(page, server, actions)
    page.on("dialog", lambda dialog: dialog.accept())
    for number in range(actions):
        action = walk.killed if walk.random.random() < KILLED else walk.random.choice(walk.actions)
        action()
        walk.check(f"{number}: {action.__name__}")
    page.click("#view-compose")
    if page.is_visible("#stop"):
        page.click("#stop")
    until(page, "studio.store.written.size === 0")
    page.select_option("#preset", "a folk tune")
    page.fill("#ask-bars", "2")
    page.click("#generate")
    until(page, "studio.store.written.size === 0 && studio.store.take.melody.notes.length > 0")
