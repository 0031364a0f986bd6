// What can be done to a melody. Melodies do not change: each function gives a new one.

import { meterOf, pitchName } from "./theory.js";

/** @import {Bar, Key, Melody, Note} from "./types.js" */

export const QUARTER = 24;

/** An empty melody. @param {number} bars @param {[number, number]} meter @param {Key | null} key @returns {Melody} */
export function silence(bars, [beats, unit], key) {
  const duration = bars * meterOf({ beats, unit }).bar;
  return { notes: [], duration, pickup: 0, key, meters: [[0, beats, unit]], phrase_ends: [] };
}

/** The bars; a pickup is bar 0. A melody without meter has none. @param {Melody} melody @returns {Bar[]} */
export function barsOf({ meters, pickup, duration }) {
  /** @type {Bar[]} */
  const bars = [];
  for (let start = 0, number = pickup ? 0 : 1; meters.length && start < duration; number += 1) {
    const [, beats, unit] = meters.findLast(([tick]) => tick <= start) ?? meters[0];
    const change = meters.find(([tick]) => tick > start)?.[0] ?? duration;
    const length = number ? meterOf({ beats, unit }).bar : pickup;
    const end = Math.min(start + length, change, duration);
    bars.push({ number, start, end, beats, unit });
    start = end;
  }
  return bars;
}

/** Ticks of the beats in a bar; a pickup is the end of a whole bar. @param {Bar} bar @returns {number[]} */
export function beatsOf(bar) {
  const { bar: whole, beat } = meterOf(bar);
  const line = bar.number ? bar.start : bar.end - whole;
  const ticks = Array.from({ length: Math.ceil(whole / beat) }, (_, number) => line + number * beat);
  return ticks.filter((tick) => tick >= bar.start && tick < bar.end);
}

/** Bar and beat of a tick, for people. @param {Melody} melody @param {number} tick @param {boolean} [exact]  with what of the beat is over */
export function placeName(melody, tick, exact = false) {
  const bar = barsOf(melody).findLast(({ start }) => start <= tick);
  const { bar: whole, beat } = bar ? meterOf(bar) : { bar: 0, beat: QUARTER };
  const late = bar?.number === 0 ? whole - (bar.end - bar.start) : 0;
  const ticks = tick - (bar?.start ?? 0) + late;
  const over = exact && ticks % beat ? ` and ${lengthName(Math.floor(ticks % beat))}` : "";
  return `${bar ? `${bar.number}.` : ""}${Math.floor(ticks / beat) + 1}${over}`;
}

/**
 * The bars that two fields ask for: one of them alone means one bar.
 * @param {string} from
 * @param {string} to
 * @param {Melody} melody
 * @returns {[number, number] | null}  null where both are empty
 * @throws {RangeError} where there are no such bars
 */
export function barsAsked(from, to, melody) {
  const given = [from, to].filter((text) => text.trim() !== "").map(Number);
  if (!given.length) return null;
  const there = barsOf(melody).map((bar) => bar.number);
  const wrong = given.find((number) => !there.includes(number));
  if (wrong !== undefined) throw new RangeError(there.length ? `there is no bar ${wrong}: the melody has bars ${there[0]} to ${there[there.length - 1]}` : "the melody has no meter, so no bars");
  return [Math.min(...given), Math.max(...given)];
}

/** Where a new note has room after a tick: the first rest, at most this long. @param {Melody} melody @param {number} after @param {number} length @returns {[onset: number, duration: number] | null} */
export function roomAfter({ notes, duration }, after, length) {
  let onset = after;
  for (const [on, ticks] of notes) {
    if (on + ticks <= onset) continue;
    if (on > onset) return [onset, Math.min(length, on - onset)];
    onset = on + ticks;
  }
  return onset < duration ? [onset, Math.min(length, duration - onset)] : null;
}

/** A melody with other notes: a syllable stays with its note, and goes with it where it is moved. @param {Melody} melody @param {Note[]} notes @param {[from: number, to: number]} [moved]  ticks @returns {Melody} */
function withNotes(melody, notes, moved) {
  if (!melody.lyrics) return { ...melody, notes };
  const onsets = new Set(notes.map((note) => note[0]));
  const at = new Map(melody.lyrics.filter(([tick]) => tick !== moved?.[0] && onsets.has(tick)));
  const syllable = melody.lyrics.find(([tick]) => tick === moved?.[0])?.[1];
  if (moved && syllable !== undefined) at.set(moved[1], syllable);
  const lyrics = [...at].sort((a, b) => a[0] - b[0]);
  return { ...melody, notes, lyrics };
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
  const before = replaced === null ? undefined : melody.notes[replaced]?.[0];
  return { melody: withNotes(melody, notes, before === undefined ? undefined : [before, start]), at: notes.indexOf(put) };
}

/** Without a note. @param {Melody} melody @param {number} number @returns {Melody} */
export function withoutNote(melody, number) {
  return withNotes(melody, melody.notes.filter((_, other) => other !== number));
}

/** Longer or shorter by a bar; a bar with the only notes is kept. @param {Melody} melody @param {1 | -1} by @returns {Melody} */
export function withBar(melody, by) {
  const last = barsOf(melody).at(-1);
  const length = last ? meterOf(last).bar : 4 * QUARTER;
  const duration = by > 0 ? melody.duration + length : melody.duration - (last ? last.end - last.start : length);
  if (duration <= 0) return melody;
  const notes = melody.notes
    .filter(([onset]) => onset < duration)
    .map(([onset, ticks, pitch]) => /** @type {Note} */ ([onset, Math.min(ticks, duration - onset), pitch]));
  const phrase_ends = melody.phrase_ends.filter((tick) => tick <= duration);
  const chords = melody.chords?.filter(([tick]) => tick < duration);
  const whole = { ...melody, duration, phrase_ends, meters: melody.meters.filter(([tick]) => tick < duration) };
  return withNotes(chords ? { ...whole, chords } : whole, notes);
}

/** Key, meter, length and range, for people. @param {Melody} melody */
export function summary(melody) {
  const pitches = melody.notes.map((note) => note[2]);
  const [, beats, unit] = melody.meters[0] ?? [0, 0, 0];
  return [
    melody.key ? `${melody.key.tonic} ${melody.key.mode}` : "no key",
    melody.meters.length ? `${beats}/${unit}` : "no meter",
    `${barsOf(melody).filter((bar) => bar.number > 0).length} bars`,
    `${pitches.length} notes`,
    ...(pitches.length ? [`${pitchName(Math.min(...pitches), melody.key)} to ${pitchName(Math.max(...pitches), melody.key)}`] : []),
  ].join(" · ");
}
