// What models do with the melody that is shown: go on from it, rewrite bars of it, write others like it, find chords.

import * as api from "./api.js";
import { without, withoutFrame } from "./controls.js";
import { byId } from "./dom.js";
import { barsAsked, barsOf } from "./melody.js";
import { take } from "./writing.js";

/** @import {Controls} from "./controls.js" */
/** @import {Request, Rule} from "./types.js" */
/** @import {Store} from "./store.js" */
/** @import {Writing} from "./writing.js" */

const KEPT = /** @type {Record<string, string>} */ ({ rhythm: "rhythm", contour: "contour", strong: "fixed" }); // the rule that keeps each
const OF_WORDS = ["form", "lyrics", "language"]; // rules that a longer or another melody can't keep as they are

const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/**
 * @typedef {object} Hands
 * @property {(what: unknown) => void} tell
 * @property {(bars: [number, number]) => void} chosen
 * @property {() => void} hush  what is played
 */

/** @param {Store} store @param {Controls} controls @param {Writing} writing @param {Rule[]} known @param {Hands} hands */
export function giveCommands(store, controls, writing, known, hands) {
  const whole = known.filter((rule) => !rule.by_bar).map(({ name }) => name);
  /** The rules of the form, for a melody that is there. @returns {Request} */
  const rules = () => without(withoutFrame(controls.values), ["key", "seed"]);
  const onClick = (/** @type {string} */ id, /** @type {() => unknown} */ act) =>
    byId(id).addEventListener("click", async () => {
      try {
        await act();
      } catch (error) {
        hands.tell(error);
      }
    });
  const write = (/** @type {Request} */ request, /** @type {string} */ doing) => {
    hands.hush();
    void writing.run(request, doing);
  };

  onClick("continue", () => {
    const { melody } = store.take;
    const { bars = 8 } = controls.values;
    const there = barsOf(melody).filter((bar) => bar.number > 0).length;
    write({ ...without(rules(), OF_WORDS), primers: [melody], bars: there + bars }, `going on from bar ${there + 1} …`);
  });

  onClick("rewrite", () => {
    const { melody } = store.take;
    const bars = barsAsked(input("from").value, input("to").value, melody);
    if (!bars) throw new Error("Choose the bars to rewrite first: click their numbers over the notes, or fill in the fields.");
    hands.chosen(bars);
    const [from, to] = bars;
    const only = /** @type {HTMLInputElement} */ (input("only-new")).checked;
    const asked = only ? { ...without(rules(), whole), rules_for: "new" } : rules();
    write({ ...asked, within: melody, rewrite: `${from}-${to}` }, `writing ${from === to ? `bar ${from}` : `bars ${from} to ${to}`} anew …`);
  });

  onClick("vary", async () => {
    const { melody, request } = store.take;
    const keep = input("keep").value.split(" ");
    const asked = { ...without(rules(), [...OF_WORDS, ...keep.map((name) => KEPT[name])]), model: request?.model ?? controls.values.model };
    const found = await api.vary(melody, keep, asked);
    write(found, `writing others with the same ${keep.join(" and ").replace("strong", "strong beats")} …`);
  });

  onClick("harmonise", async () => {
    const { melody, request } = store.take;
    const options = { spice: Number(input("spice").value), harmonic_rhythm: input("harmonic-rhythm").value || null, alternatives: Number(input("ways").value) };
    const found = await api.harmonise(melody, options);
    const about = { request, edited: true };
    await store.put({ takes: found.map((one) => take(one, about)), current: 0 }, "chords found");
    hands.tell(found.length > 1 ? `${found.length} ways of chords: the likeliest is shown` : "chords are found: the button Chords plays them");
  });
}
