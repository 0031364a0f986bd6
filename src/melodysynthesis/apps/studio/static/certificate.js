// Certificate and originality of the melody that is shown, in words.

import { html, svg } from "./dom.js";

/** @import {Certificate, Finding, Originality, Take} from "./types.js" */

const WORDS = {
  kept: "Every rule is kept.",
  broken: "A rule is broken.",
  "not checkable": "Kept as far as it can be checked.",
};

/** @param {Take} take @param {string} problem  why it could not be checked @param {() => void} again @returns {Node[]} */
export function certificateOf({ certificate, request, edited, melody }, problem, again) {
  if (!request) return [html("p", {}, "This melody was not generated here, so there are no rules to check. Generate one, and each rule is checked on its notes.")];
  if (!melody.notes.length) return [html("p", {}, "There are no notes to check.")];
  if (!certificate) return waiting("checking …", problem, again);
  const verdict = WORDS[/** @type {keyof typeof WORDS} */ (certificate.verdict)];
  return [
    html("p", { class: "verdict" }, verdict),
    html("p", {}, edited ? "Your changed notes are checked by the rules of the request." : "A separate program checked the notes of the files."),
    html("ul", { class: "rules" }, ...certificate.rules.map(rule)),
  ];
}

/** @param {Finding} finding */
function rule({ rule, asked, verdict, breaches = [], reason }) {
  const name = rule.replaceAll("_", " ");
  const what = rule === "rewrite" || rule === "primers" ? "the rest kept" : asked === "yes" ? name : `${name} ${asked}`;
  const told = breaches.slice(0, 3).map(({ bar, beat, found, expected }) => {
    const where = bar === null ? "" : `bar ${bar}${beat === null ? "" : `, beat ${Math.round(beat * 100) / 100}`}: `;
    return html("small", {}, `${where}${found}, expected ${expected}`);
  });
  const more = breaches.length > 3 ? [html("small", {}, `and ${breaches.length - 3} more`)] : [];
  const why = reason ? [html("small", {}, reason)] : [];
  return html("li", { class: verdict.replace(" ", "-") }, what, ...told, ...more, ...why);
}

/** @param {string} text @param {string} problem @param {() => void} again @returns {Node[]} */
function waiting(text, problem, again) {
  if (!problem) return [html("p", {}, text)];
  const button = html("button", { type: "button" }, "Check again");
  button.addEventListener("click", again);
  return [html("p", {}, `It could not be checked: ${problem}`), button];
}

/** @param {Take} take @param {string} problem @param {() => void} again @returns {Node[]} */
export function originalityOf({ originality, melody }, problem, again) {
  if (!melody.notes.length) return [html("p", {}, "How much of a melody is copied from the tunes that the model was trained on.")];
  if (!originality) return waiting("comparing …", problem, again);
  if (originality.unknown) return [html("p", {}, originality.unknown)];
  const { longest_run: run, percentile, name, place } = originality.rhythm;
  const bars = place?.first_bar ? ` (bars ${place.first_bar} to ${place.last_bar})` : "";
  const judged = percentile === null ? "" : percentile > 97.5 ? "more than people share" : "as people do";
  return [
    html("p", { class: "verdict" }, `${run} notes in a row${judged ? `: ${judged}.` : "."}`),
    ...(percentile === null ? [] : [scale(percentile), html("p", {}, `Percentile ${Math.round(percentile)} of ${originality.held_out_tunes.toLocaleString("en")} tunes by people.`)]),
    html("p", {}, name ? `Nearest: ${name}${bars}` : "No tune shares two notes."),
  ];
}

/** @param {number} percentile */
function scale(percentile) {
  return svg("svg", { class: "meter", width: "100%", height: 5, "aria-hidden": "true" }, svg("rect", { width: `${Math.max(2, percentile)}%`, height: 5 }));
}
