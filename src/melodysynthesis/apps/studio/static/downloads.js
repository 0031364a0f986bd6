// Files to take away.

import * as api from "./api.js";
import { html } from "./dom.js";

/** @import {Take} from "./types.js" */

const NAMES = { mid: "MIDI", musicxml: "MusicXML", abc: "ABC", krn: "kern", wav: "WAV", svg: "SVG", png: "PNG", json: "JSON" };

/**
 * A button for each format, and one for the request.
 * @param {HTMLElement} place
 * @param {string[]} formats
 * @param {() => Take} current
 * @param {(error: unknown) => void} failed
 */
export function offer(place, formats, current, failed) {
  for (const format of formats) {
    const button = html("button", { type: "button", "data-format": format }, NAMES[/** @type {keyof typeof NAMES} */ (format)] ?? format);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        save(await api.convert(current().melody, format), `${stem(current())}.${format}`);
      } catch (error) {
        failed(error);
      } finally {
        button.disabled = false;
      }
    });
    place.append(button);
  }
  const request = html("button", { type: "button", "data-format": "request" }, "Request");
  request.addEventListener("click", () => {
    const text = JSON.stringify(current().request ?? {}, null, 1);
    save(new Blob([text], { type: "application/json" }), `${stem(current())}-request.json`);
  });
  place.append(request);
}

/** @param {Take} take */
function stem({ request, index, edited }) {
  return request ? `${request.model}-seed${request.seed}-${index + 1}${edited ? "-edited" : ""}` : "melody";
}

/** @param {Blob} data @param {string} name */
export function save(data, name) {
  const href = URL.createObjectURL(data);
  html("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
