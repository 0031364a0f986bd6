// When each chord of a melody, or of a chart under it, sounds, as the library's chord rule says, and which pitches sound.

import * as api from "./api.js";

/** @import {ChordEntrance, Melody} from "./types.js" */
/** @typedef {{start: number, end: number, name: string, pitches: number[]}} SoundingChord  in ticks and MIDI numbers */

/** @type {SoundingChord[]} */
const NONE = []; // one and the same, so that nothing seems to have changed
const BASS = 36; // MIDI number of the lowest root
const MIDDLE = 52; // and of the lowest of the other tones

/** A chord to be played: its root in the bass, all tones around middle C. @param {ChordEntrance} entrance @returns {SoundingChord} */
export function voiced({ start, end, root, tones, name }) {
  return { start, end, name, pitches: [BASS + root, ...tones.map((tone) => MIDDLE + ((tone - MIDDLE + 120) % 12))] };
}

/** Asks the server once for each chart and bars, and keeps the answers. */
export class ChordTracks {
  /** @param {() => void} changed  called when chords have come that were not there at the last `of` */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, Promise<SoundingChord[]>>} */
    this.pending = new Map();
    /** @type {Map<string, SoundingChord[]>} */
    this.known = new Map();
  }

  /** The chords of a chart under a melody; none before the server has answered. @param {string} chart @param {Melody} melody */
  of(chart, melody) {
    const key = keyOf(chart, melody);
    if (!hasChords(chart, melody)) return NONE;
    if (!this.known.has(key) && !this.pending.has(key)) void this.fetch(chart, melody).then(this.changed);
    return this.known.get(key) ?? NONE;
  }

  /** The same, once the server has answered. A chart that it can't read has no chords. @param {string} chart @param {Melody} melody */
  fetch(chart, melody) {
    if (!hasChords(chart, melody)) return Promise.resolve(NONE);
    const key = keyOf(chart, melody);
    let waiting = this.pending.get(key);
    if (!waiting) {
      waiting = api.chords(chart, { ...melody, notes: [], phrase_ends: [] }).then((entrances) => entrances.map(voiced), () => []);
      void waiting.then((chords) => this.known.set(key, chords));
      this.pending.set(key, waiting);
    }
    return waiting;
  }
}

/** @param {string} chart @param {Melody} melody */
function hasChords(chart, { chords }) {
  return chart.trim() !== "" || (chords ?? []).length > 0;
}

/** The symbols of chords that sound, where they change, as a melody has them. @param {SoundingChord[]} sounding @returns {[number, string][]} */
export function symbolsOf(sounding) {
  /** @type {[number, string][]} */
  const symbols = [];
  sounding.forEach(({ start, name }, number) => {
    const before = sounding[number - 1];
    if (before && before.end < start) symbols.push([before.end, "N.C."]);
    if (symbols.at(-1)?.[1] !== name) symbols.push([start, name]);
  });
  return symbols;
}

/** @param {string} chart @param {Melody} melody */
function keyOf(chart, { meters, pickup, duration, chords }) {
  return JSON.stringify([chart.trim(), meters, pickup, duration, chart.trim() ? null : chords]);
}
