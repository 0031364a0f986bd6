// Requests to begin with. Each says only what makes it what it is; model, seed and alternatives stay as they are.

/** @import {Model, Request} from "./types.js" */

/** @type {Record<string, Request>} */
export const PRESETS = {
  "a folk tune": { key: "G major", meter: "3/4", bars: 8 },
  "a jig": { key: "D major", meter: "6/8", bars: 8, form: "AA'", cadence: true, durations: "1/2 1 3/2", range: "D4-B5" },
  "a lullaby in 3/4": { key: "F major", meter: "3/4", bars: 8, range: "C4-C5", max_leap: 5, cadence: true, rests: false },
  "over ii–V–I": { key: "C major", meter: "4/4", bars: 8, chords: "Dm7 | G7 | Cmaj7 | Cmaj7" },
  "a twelve-bar blues": { key: "C major", meter: "4/4", bars: 12, chords: "C7 | C7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | C7" },
  "a hymn in four phrases": { key: "G major", meter: "4/4", bars: 16, phrases: "4 4 4 4", durations: "1 2 3", ties_over_bars: false, cadence: true },
  "a march with returns": { key: "Bb major", meter: "2/4", bars: 16, form: "AABA", cadence: true },
  "words to sing": { key: "C major", meter: "4/4", lyrics: "Twin-kle, twin-kle, lit-tle star, / How I won-der what you are.", cadence: true },
};

const STYLES = { "essen-german": "German folk songs", "public-domain": "tunes in the public domain" };

/** Presets and styles: what a model writes in the style of is what it was trained on. @param {Model[]} models @returns {Record<string, Request>} */
export function presetsOf(models) {
  /** @type {Record<string, Request>} */
  const styles = {};
  for (const { name, card, baseline } of models) {
    const title = `in the style of ${STYLES[/** @type {keyof typeof STYLES} */ (card.corpus)] ?? card.corpus}`;
    if (!baseline && card.corpus && !(title in styles)) styles[title] = { model: name, key: "G major", meter: "3/4", bars: 8 };
  }
  return { ...PRESETS, ...styles };
}
