// Which chord is when: the chart that was asked for, as the library reads it.

import { barsOf, beatOf, pitchClass } from "./melody.js";

/** @import {Melody, Terms} from "./types.js" */

/**
 * The chords of a chart over a melody's bars: of n in a bar of b beats, chord k enters on beat ceil(k b / n).
 * @param {string} chart  such as "G | C | D7 G | G"
 * @param {Melody} melody
 * @param {Terms} terms
 * @returns {{start: number, end: number, pitches: number[]}[]}
 */
export function chordsOf(chart, melody, terms) {
  const each = chart.split("|").map((bar) => bar.trim().split(/\s+/).filter(Boolean)).filter((bar) => bar.length);
  const bars = barsOf(melody).filter((bar) => bar.number > 0);
  if (!each.length) return [];
  return bars.flatMap((bar, number) => {
    const chords = each[number % each.length];
    const beat = beatOf(bar);
    const beats = (bar.end - bar.start) / beat;
    const starts = chords.map((_, k) => bar.start + Math.ceil((k * beats) / chords.length) * beat);
    return chords.map((chord, k) => ({ start: starts[k], end: starts[k + 1] ?? bar.end, pitches: pitchesOf(chord, terms) }));
  });
}

/** A chord around middle C, its root below. @param {string} chord @param {Terms} terms @returns {number[]} */
function pitchesOf(chord, terms) {
  const match = /^([A-G][#b]*)([^/]*)(?:\/([A-G][#b]*))?$/.exec(chord);
  const tones = match && terms.chords[match[2]];
  if (!match || !tones) return [];
  const root = pitchClass(match[1]);
  const bass = match[3] ? pitchClass(match[3]) : root;
  return [36 + bass, ...tones.map((tone) => 52 + ((root + tone - 52 + 120) % 12))];
}
