// The page of help, with all keys, and the tour that is offered when the page is opened for the first time.

import { byId, html } from "./dom.js";

/** @type {[string, [keys: string, what: string][]][]} */
export const KEYS = [
  ["Everywhere", [
    ["Space", "play, pause"], ["Ctrl Z, Ctrl Y", "undo, redo"], ["Ctrl Enter", "generate, or stop"], ["Ctrl V", "open a link or a file that was copied"], ["?", "this help"],
  ]],
  ["On the piano roll", [
    ["← →", "choose a note"], ["↑ ↓", "move it by a step of the scale"], ["Alt ↑ ↓", "by a semitone"], ["Shift ↑ ↓", "by an octave"],
    ["Alt ← →", "move it in time"], ["Shift ← →", "shorten or lengthen it"], ["N, Insert", "a note where there is room"], ["Delete", "remove it"],
    ["Home, End", "the first, the last note"], ["Escape", "choose none"],
  ]],
  ["With mouse or finger", [
    ["click", "draw a note"], ["drag", "move it; its right edge: lengthen it"], ["double click, right click", "remove it"],
    ["click a bar number", "choose the bar, and play from there"], ["drag over bar numbers", "choose bars to repeat or rewrite"], ["click a note of the score", "choose and hear it"],
  ]],
  ["Live", [["A to ;", "white keys from C on"], ["W E T Y U O P", "black keys"], ["Z X", "an octave lower, higher"], ["Escape", "silence everything"]]],
];

/** @type {[id: string, text: string][]} */
const STEPS = [
  ["ask", "Say here what you want. Begin with a preset, or with key, meter and bars. What is marked guaranteed, no melody breaks; press the word, and it becomes a wish."],
  ["generate", "Generate writes some alternatives. You see the notes as they are written, and Stop keeps what is whole by then."],
  ["roll-card", "Click to draw a note, drag to move it, click twice to remove it. Click bar numbers to choose bars: Loop repeats them, Rewrite writes them anew."],
  ["certificate-card", "A separate program checks the notes of the files by your rules. Beside it you see how much is known from other tunes."],
  ["library-open", "All that you do is saved in this browser. The library has every melody with its versions; Undo works after a reload, too."],
  ["view-live", "Compare sends one request to every model. Live lets you play with a model, on a MIDI keyboard or on these keys. That is all; Help tells the rest."],
];

/** @param {boolean} first  whether the page is opened for the first time @param {() => void} seen */
export function giveHelp(first, seen) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("help"));
  byId("help-keys").replaceChildren(...KEYS.map(([title, rows]) =>
    html("section", {}, html("h3", {}, title), html("dl", {}, ...rows.flatMap(([keys, what]) => [html("dt", {}, keys), html("dd", {}, what)])))));
  byId("help-open").addEventListener("click", () => dialog.showModal());
  byId("help-close").addEventListener("click", () => dialog.close());
  const tour = new Tour(seen);
  byId("help-tour").addEventListener("click", () => {
    dialog.close();
    tour.show(0);
  });
  if (first) tour.show(0);
}

class Tour {
  /** @param {() => void} seen */
  constructor(seen) {
    this.seen = seen;
    this.step = 0;
    this.place = byId("tour");
    byId("tour-next").addEventListener("click", () => (this.step + 1 < STEPS.length ? this.show(this.step + 1) : this.end()));
    byId("tour-end").addEventListener("click", () => this.end());
    this.place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.end();
    });
  }

  /** @param {number} step */
  show(step) {
    this.step = step;
    const [id, text] = STEPS[step];
    this.mark(id);
    byId("tour-text").textContent = text;
    byId("tour-count").textContent = `${step + 1} of ${STEPS.length}`;
    byId("tour-next").textContent = step + 1 < STEPS.length ? "Next" : "Done";
    this.place.hidden = false;
    if (step) byId(id).scrollIntoView({ block: "center" });
  }

  /** @param {string | null} id */
  mark(id) {
    for (const [other] of STEPS) byId(other).classList.toggle("pointed", other === id);
  }

  end() {
    this.mark(null);
    this.place.hidden = true;
    this.seen();
  }
}
