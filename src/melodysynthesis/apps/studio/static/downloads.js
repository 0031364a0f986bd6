// Files to take away: they say what the page shows and plays.

import * as api from "./api.js";
import { symbolsOf } from "./chords.js";
import { html } from "./dom.js";

/** @import {SoundingChord} from "./chords.js" */
/** @import {Melody, Take} from "./types.js" */

const NAMES = { mid: "MIDI", musicxml: "MusicXML", abc: "ABC", krn: "kern", wav: "WAV", svg: "SVG", png: "PNG", json: "JSON" };
const UNNAMED = ["Untitled", "From a link"];

/** @typedef {{take: Take, name: string, tempo: number, chords: SoundingChord[], backing: boolean}} Shown  an item's name, the tempo, the chords, and whether they are played */

/** The melody of a file: with the tempo, the title and the chords of the page. @param {Shown} shown @returns {Melody} */
export function melodyOfFile({ take: { melody }, name, tempo, chords }) {
  const title = melody.title || (UNNAMED.includes(name) ? "" : name);
  return { ...melody, tempo: melody.tempo ?? tempo, ...(title ? { title } : {}), ...(!melody.chords && chords.length ? { chords: symbolsOf(chords) } : {}) };
}

/** @param {Shown} shown @returns {string} the name of a file, without its suffix */
export function stemOf({ take: { request, index, edited, melody }, name }) {
  const title = melody.title || (UNNAMED.includes(name) ? "" : name);
  const known = title.replace(/[^\p{L}\p{N} _-]+/gu, " ").replace(/\s+/g, " ").trim().slice(0, 60);
  const made = request ? `${request.model}-seed${request.seed}-${index + 1}${edited ? "-edited" : ""}` : "";
  return [known, made].filter(Boolean).join("-") || "melody";
}

/**
 * A button for each format, and one for the request.
 * @param {HTMLElement} place
 * @param {string[]} formats
 * @param {() => Shown} current
 * @param {(error: unknown) => void} failed
 */
export function offer(place, formats, current, failed) {
  for (const format of formats) {
    const button = html("button", { type: "button", "data-format": format }, NAMES[/** @type {keyof typeof NAMES} */ (format)] ?? format);
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      const shown = current();
      try {
        save(await api.convert(melodyOfFile(shown), format, shown.backing), `${stemOf(shown)}.${format}`);
      } catch (error) {
        failed(error);
      } finally {
        button.removeAttribute("aria-busy");
      }
    });
    place.append(button);
  }
  const request = html("button", { type: "button", "data-format": "request", title: "The request with its seed; Open… reads it" }, "Request");
  request.addEventListener("click", () => {
    const text = JSON.stringify(current().take.request ?? {}, null, 1);
    save(new Blob([text], { type: "application/json" }), `${stemOf(current())}-request.json`);
  });
  place.append(request);
}

/** @param {Blob} data @param {string} name */
export function save(data, name) {
  const href = URL.createObjectURL(data);
  html("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
