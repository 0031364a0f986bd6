// The alternatives of a work, as tabs: which is shown, which keep every rule, which the model finds likeliest.

import { byId, html } from "./dom.js";

/** @import {Take, Work} from "./types.js" */

const MOST_LETTERS = 24;

/** @param {Work} work @param {(number: number) => void} chosen */
export function showAlternatives({ takes, current }, chosen) {
  const place = byId("alternatives");
  const focused = place.contains(document.activeElement);
  const best = likeliest(takes);
  place.replaceChildren(...(takes.length > 1 ? takes : []).map((one, number) => {
    const title = titleOf(takes, number);
    const certified = one.certificate?.verdict === "kept" && !one.edited;
    const about = [title, ...(certified ? ["every rule is kept"] : []), ...(number === best ? ["the likeliest under its model"] : [])].filter(Boolean).join("; ");
    const tab = html("button", {
      type: "button", role: "tab", class: `${certified ? "certified" : ""}${number === best ? " likeliest" : ""}`, "aria-selected": String(number === current),
      tabindex: number === current ? 0 : -1, "aria-controls": "roll-card", "aria-label": title ? `${number + 1}: ${title}` : `Alternative ${number + 1}`, title: about || null,
      "aria-description": about || null,
    }, title ? `${number + 1} ${title.length > MOST_LETTERS ? `${title.slice(0, MOST_LETTERS - 1)}…` : title}` : String(number + 1));
    tab.addEventListener("click", () => chosen(number));
    return tab;
  }));
  if (focused) /** @type {HTMLElement | undefined} */ (place.children[current])?.focus();
}

/** A title that tells a melody from the others. @param {Take[]} takes @param {number} number */
function titleOf(takes, number) {
  const { title } = takes[number].melody;
  return title && takes.some(({ melody }) => melody.title !== title) ? title : "";
}

/** The one with the fewest bits a note, where all of one request are known; -1 else. @param {Take[]} takes */
export function likeliest(takes) {
  const bits = takes.map(({ surprise }) => (surprise?.length ? surprise.reduce((sum, one) => sum + one, 0) / surprise.length : NaN));
  return takes.length > 1 && !bits.some(Number.isNaN) ? bits.indexOf(Math.min(...bits)) : -1;
}
