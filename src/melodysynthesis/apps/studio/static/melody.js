// What can be done to a melody. Melodies do not change: each function gives a new one.

/** @import {Bar, Key, Melody, Note} from "./types.js" */

export const QUARTER = 24;
const FLAT_KEYS = ["F", "Bb", "Eb", "Ab", "Db", "Gb", "Cb"];
const SHARPS = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLATS = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const STEPS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
/** Semitones from a mode's tonic down to that of the major key with its signature. */
const TO_MAJOR = { major: 0, dorian: 2, phrygian: 4, lydian: 5, mixolydian: 7, minor: 9, locrian: 11 };

/** Pitch class of a note name such as F# or Bb. @param {string} name */
export function pitchClass(name) {
  const letter = /** @type {keyof typeof STEPS} */ (name[0]);
  const signs = [...name.slice(1)].reduce((sum, sign) => sum + (sign === "#" ? 1 : -1), 0);
  return (STEPS[letter] + signs + 12) % 12;
}

/** Name of a pitch, spelled with the accidentals of the key. @param {number} pitch @param {Key | null} key */
export function pitchName(pitch, key) {
  const down = key ? (TO_MAJOR[/** @type {keyof typeof TO_MAJOR} */ (key.mode)] ?? 0) : 0;
  const major = key ? FLATS[(pitchClass(key.tonic) - down + 12) % 12].replace("♭", "b") : "C";
  const names = FLAT_KEYS.includes(major) && major !== "Gb" ? FLATS : SHARPS;
  return names[pitch % 12] + (Math.floor(pitch / 12) - 1);
}

/** An empty melody. @param {number} bars @param {[number, number]} meter @param {Key | null} key @returns {Melody} */
export function silence(bars, [beats, unit], key) {
  const duration = (bars * beats * 4 * QUARTER) / unit;
  return { notes: [], duration, pickup: 0, key, meters: [[0, beats, unit]], phrase_ends: [] };
}

/** The bars; a pickup is bar 0. A melody without meter has none. @param {Melody} melody @returns {Bar[]} */
export function barsOf({ meters, pickup, duration }) {
  /** @type {Bar[]} */
  const bars = [];
  for (let start = 0, number = pickup ? 0 : 1; meters.length && start < duration; number += 1) {
    const [, beats, unit] = meters.findLast(([tick]) => tick <= start) ?? meters[0];
    const change = meters.find(([tick]) => tick > start)?.[0] ?? duration;
    const length = number ? (beats * 4 * QUARTER) / unit : pickup;
    const end = Math.min(start + length, change, duration);
    bars.push({ number, start, end, beats, unit });
    start = end;
  }
  return bars;
}

/** Length of a beat in ticks: dotted in compound meters. @param {Bar} bar */
export function beatOf({ beats, unit }) {
  return ((beats > 3 && beats % 3 === 0 && unit >= 8 ? 3 : 1) * 4 * QUARTER) / unit;
}

/** Bar and beat of a tick, for people. @param {Melody} melody @param {number} tick */
export function placeName(melody, tick) {
  const bar = barsOf(melody).findLast(({ start }) => start <= tick);
  if (!bar) return String(1 + Math.floor(tick / QUARTER));
  const beat = beatOf(bar);
  const late = bar.number === 0 ? (bar.beats * 4 * QUARTER) / bar.unit - (bar.end - bar.start) : 0;
  return `${bar.number}.${Math.floor((tick - bar.start + late) / beat) + 1}`;
}

/** Length in quarters, for people. @param {number} ticks */
export function lengthName(ticks) {
  const [whole, rest] = [Math.floor(ticks / QUARTER), ticks % QUARTER];
  const part = { 3: "⅛", 4: "⅙", 6: "¼", 8: "⅓", 9: "⅜", 12: "½", 16: "⅔", 18: "¾" }[rest] ?? (rest ? `${rest}/24` : "");
  return `${whole || ""}${part}` || "0";
}

/**
 * With a note put in place of another, or beside all. What it covers of its neighbours gives way: one line sounds.
 * @param {Melody} melody
 * @param {Note} note
 * @param {number | null} replaced  number of the note that it takes the place of
 * @returns {{melody: Melody, at: number}}  and the number that it has there
 */
export function withNote(melody, [onset, duration, pitch], replaced = null) {
  const start = Math.max(0, Math.min(onset, melody.duration - 1));
  const end = Math.min(start + Math.max(1, duration), melody.duration);
  /** @type {Note} */
  const put = [start, end - start, Math.max(0, Math.min(127, pitch))];
  /** @type {Note[]} */
  const others = [];
  melody.notes.forEach(([on, length, height], number) => {
    if (number === replaced) return;
    if (on < start) others.push([on, Math.min(on + length, start) - on, height]);
    else if (on >= end) others.push([on, length, height]);
    else if (on + length > end && on > start) others.push([end, on + length - end, height]);
  });
  const notes = [...others, put].sort((a, b) => a[0] - b[0]);
  return { melody: { ...melody, notes }, at: notes.indexOf(put) };
}

/** Without a note. @param {Melody} melody @param {number} number @returns {Melody} */
export function withoutNote(melody, number) {
  return { ...melody, notes: melody.notes.filter((_, other) => other !== number) };
}

/** Longer or shorter by a bar; a bar with the only notes is kept. @param {Melody} melody @param {1 | -1} by @returns {Melody} */
export function withBar(melody, by) {
  const last = barsOf(melody).at(-1);
  const length = last ? (last.beats * 4 * QUARTER) / last.unit : 4 * QUARTER;
  const duration = by > 0 ? melody.duration + length : melody.duration - (last ? last.end - last.start : length);
  if (duration <= 0) return melody;
  const notes = melody.notes
    .filter(([onset]) => onset < duration)
    .map(([onset, ticks, pitch]) => /** @type {Note} */ ([onset, Math.min(ticks, duration - onset), pitch]));
  const phrase_ends = melody.phrase_ends.filter((tick) => tick <= duration);
  return { ...melody, duration, notes, phrase_ends, meters: melody.meters.filter(([tick]) => tick < duration) };
}
