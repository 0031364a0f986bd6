// Rules that are drawn over the bars: fixed notes, the climax, the contour; and what of the form's rules holds where.

import { svg } from "./dom.js";
import { barsOf } from "./melody.js";
import { meterOf, pitchClass, pitchName } from "./theory.js";

/** @import {Bar, Key, Melody, Request} from "./types.js" */

/** @typedef {{tick: number, pitch: number}} Spot */
/** @typedef {{fixed: Spot[], climax: Spot | null, form: {start: number, end: number, letter: string}[]}} Plan */

const FIXED = /^(\d+)\.(\d+)(?:\/(\d+))?:([A-Ga-g][#b]*)(-?\d+)$/;
const CLIMAX = /^(\d+):([A-Ga-g][#b]*)(-?\d+)$/;
const MOST_STEPS = 64;

/** A pitch as rules write it. @param {number} pitch @param {Key | null} key */
const written = (pitch, key) => pitchName(pitch, key).replaceAll("♯", "#").replaceAll("♭", "b");

/** MIDI number of a name and an octave. @param {string} name @param {string} octave */
function pitchOf(name, octave) {
  const natural = pitchClass(name[0].toUpperCase());
  const bent = [...name.slice(1)].reduce((sum, sign) => sum + (sign === "#" ? 1 : -1), 0);
  return 12 * (Number(octave) + 1) + natural + bent;
}

/** What of some rules holds where in a melody's bars; what can't be read is left to the server. @param {Request} rules @param {Melody} melody @returns {Plan} */
export function planOf({ fixed = "", climax = "", form = "" }, melody) {
  const bars = barsOf(melody);
  const at = (/** @type {string} */ number) => bars.find((bar) => bar.number === Number(number));
  const spots = String(fixed).split(/[\s,]+/).flatMap((one) => {
    const [, number, beats, parts = "1", name, octave] = FIXED.exec(one) ?? [];
    const bar = number ? at(number) : undefined;
    return bar ? [{ tick: bar.start + Math.round((Number(beats) / Number(parts) - 1) * meterOf(bar).beat), pitch: pitchOf(name, octave) }] : [];
  });
  const [, number, name, octave] = CLIMAX.exec(String(climax).trim()) ?? [];
  const top = number ? at(number) : undefined;
  return { fixed: spots, climax: top ? { tick: top.start, pitch: pitchOf(name, octave) } : null, form: sectionsOf(String(form), bars) };
}

/** @param {string} form @param {Bar[]} bars */
function sectionsOf(form, bars) {
  const letters = form.match(/[A-Za-z]'*/g) ?? [];
  const whole = bars.filter(({ number }) => number > 0);
  const each = whole.length / letters.length;
  if (!letters.length || !Number.isInteger(each)) return [];
  return letters.map((letter, at) => ({ letter, start: whole[at * each].start, end: whole[(at + 1) * each - 1].end }));
}

/** The rule of fixed notes with one more at a spot, or without the one that is there. @param {string} fixed @param {Spot} spot @param {Melody} melody */
export function withFixed(fixed, spot, melody) {
  const bar = barsOf(melody).findLast(({ start, number }) => start <= spot.tick && number > 0);
  if (!bar) return fixed;
  const { beat } = meterOf(bar);
  const ticks = beat + spot.tick - bar.start;
  const divisor = [1, 2, 3, 4, 6, 8].find((parts) => (ticks * parts) % beat === 0) ?? beat;
  const place = `${bar.number}.${(ticks * divisor) / beat}${divisor > 1 ? `/${divisor}` : ""}:`;
  const others = fixed.split(/[\s,]+/).filter((one) => one && !one.startsWith(place));
  const there = fixed.split(/[\s,]+/).some((one) => one.startsWith(place));
  return [...others, ...(there ? [] : [`${place}${written(spot.pitch, melody.key)}`])].join(" ");
}

/** The rule of the climax at a spot. @param {Spot} spot @param {Melody} melody */
export function climaxAt(spot, melody) {
  const bar = barsOf(melody).findLast(({ start, number }) => start <= spot.tick && number > 0);
  return bar ? `${bar.number}:${written(spot.pitch, melody.key)}` : "";
}

/** The contour of a line that was drawn, a step for each of its places. @param {Spot[]} line @param {number} grid  ticks */
export function contourOf(line, grid) {
  const at = new Map(line.map(({ tick, pitch }) => [Math.floor(tick / grid), pitch]));
  const pitches = [...at].sort((a, b) => a[0] - b[0]).map(([, pitch]) => pitch).slice(0, MOST_STEPS + 1);
  return pitches.slice(1).map((pitch, step) => (pitch > pitches[step] ? "+" : pitch < pitches[step] ? "-" : "0")).join(" ");
}

/** What is drawn of a plan. @param {Plan} plan @param {(tick: number) => number} x @param {(pitch: number) => number} y @param {number} row  height of a row */
export function drawPlan({ fixed, climax, form }, x, y, row) {
  const sections = form.flatMap(({ start, end, letter }, number) => [
    svg("rect", { class: `section${number % 2 ? " odd" : ""}`, x: x(start), y: 18, width: Math.max(1, x(end) - x(start) - 1), height: 4 }),
    svg("text", { class: "letter", x: x(end) - 6, y: 14, "text-anchor": "end" }, letter),
  ]);
  const pins = fixed.map(({ tick, pitch }) => {
    const [left, top] = [x(tick), y(pitch)];
    return svg("path", { class: "pin", d: `M${left} ${top - 1} h${row} v${row + 2} h${-row} z` }, svg("title", {}, "a fixed note"));
  });
  const flag = climax ? [svg("path", { class: "climax", d: `M${x(climax.tick) + 2} ${y(climax.pitch) + row} v${-row - 12} l12 5 l-12 5` }, svg("title", {}, "the climax"))] : [];
  return [...sections, ...pins, ...flag];
}
