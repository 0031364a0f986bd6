// A table of descriptors: a column for each melody, and the band in which most melodies by people lie.

import { html, svg } from "./dom.js";

/** @import {People} from "./types.js" */

const [LEFT, BAND, WIDTH] = [18, 36, 72]; // of a strip: before the band, the band, all; pixels

/**
 * @param {{name: string, descriptors: Record<string, number>}[]} melodies
 * @param {People} people
 * @returns {HTMLTableElement}
 */
export function table(melodies, people) {
  const names = Object.keys(people.bands);
  const head = html("tr", {}, html("th", { scope: "col" }, "Descriptor"), html("th", { scope: "col" }, "People"),
    ...melodies.map(({ name }) => html("th", { scope: "col" }, name)));
  const rows = names.map((name) => {
    const [low, , high] = people.bands[name];
    const cells = melodies.map(({ descriptors }) => cell(descriptors[name], people.bands[name]));
    return html("tr", {}, html("th", { scope: "row" }, name), html("td", { class: "band" }, `${figure(low)} to ${figure(high)}`), ...cells);
  });
  const outside = melodies.map(({ descriptors }) => {
    const number = names.filter((name) => side(descriptors[name], people.bands[name]) !== "").length;
    return html("td", {}, `${number} of ${names.length}`);
  });
  const foot = html("tr", {}, html("th", { scope: "row" }, "Outside the band"), html("td", { class: "band" }, "1 in 20"), ...outside);
  return html("table", { class: "beside" }, html("thead", {}, head), html("tbody", {}, ...rows), html("tfoot", {}, foot));
}

/** @param {number} value @param {[number, number, number]} band */
function cell(value, band) {
  const where = side(value, band);
  const told = where ? [html("span", { "aria-hidden": "true" }, where === "above" ? " ↑" : " ↓"), html("span", { class: "unseen" }, ` ${where} people’s`)] : [];
  return html("td", { class: where ? "out" : "" }, figure(value), ...told, strip(value, band));
}

/** Where a value lies: the band, its median, the value. @param {number} value @param {[number, number, number]} band */
function strip(value, band) {
  const [low, median, high] = band;
  const x = (/** @type {number} */ at) => Math.max(2, Math.min(WIDTH - 2, high > low ? LEFT + (BAND * (at - low)) / (high - low) : LEFT + BAND / 2 + Math.sign(at - low) * BAND));
  return svg("svg", { class: "strip", width: WIDTH, height: 8, "aria-hidden": "true" },
    svg("rect", { class: "people", x: LEFT, y: 1, width: BAND, height: 6, rx: 2 }),
    svg("line", { class: "median", x1: x(median), x2: x(median), y1: 1, y2: 7 }),
    svg("circle", { cx: x(value), cy: 4, r: 2.5 }));
}

/** @param {number} value @param {[number, number, number]} band @returns {"above" | "below" | ""} */
function side(value, [low, , high]) {
  return value > high ? "above" : value < low ? "below" : "";
}

/** @param {number} value */
function figure(value) {
  return value === 0 ? "0" : Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
