// Checks of what comes from elsewhere: links and library files may be damaged, or made to do harm. What passes has the
// right shape, is within the studio's limits, and has nothing else in it.

import { Mistake } from "./api.js";
import { meterOf } from "./theory.js";

/** @import {Key, Melody, Note, Request, Take, Work} from "./types.js" */

export const MAX_NOTES = 4000;
export const MAX_TICKS = 48_000;
export const MAX_TAKES = 200;
const MAX_TEXT = 200;
const MAX_REQUEST_CHARACTERS = 100_000;
const MODES = ["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"];

/** @param {boolean} right @param {string} what  is wrong */
function demand(right, what) {
  if (!right) throw new Mistake(what);
}

/** @param {unknown} value @param {string} name @param {number} most @returns {any[]} */
function listOf(value, name, most) {
  demand(Array.isArray(value), `${name}: expected a list`);
  const list = /** @type {any[]} */ (value);
  demand(list.length <= most, `${name}: ${list.length.toLocaleString("en")} entries, at most ${most.toLocaleString("en")} are taken`);
  return list;
}

/** @param {unknown} value @param {number} least @param {number} most @returns {value is number} */
const whole = (value, least, most) => Number.isInteger(value) && /** @type {number} */ (value) >= least && /** @type {number} */ (value) <= most;

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The melody that some JSON says. @param {unknown} value @returns {Melody}  @throws {Mistake} naming what is wrong */
export function melodyFrom(value) {
  if (!isObject(value)) throw new Mistake("expected a melody with notes");
  const { duration, pickup = 0 } = value;
  demand(whole(duration, 1, MAX_TICKS), `duration: expected 1 to ${MAX_TICKS.toLocaleString("en")} ticks`);
  const meters = listOf(value.meters ?? [], "meters", MAX_NOTES).map((row) => /** @type {[number, number, number]} */ (triple(row, "meters")));
  let tick = -1;
  for (const [at, beats, unit] of meters) {
    demand(at > tick && at < duration, `meters: tick ${at} is out of order, or after the end`);
    if (tick < 0) demand(at === 0, "meters: the first is not at the beginning");
    try {
      meterOf({ beats, unit });
    } catch (error) {
      throw new Mistake(/** @type {Error} */ (error).message);
    }
    tick = at;
  }
  const bar = meters.length ? meterOf({ beats: meters[0][1], unit: meters[0][2] }).bar : 0;
  demand(pickup === 0 || whole(pickup, 1, bar - 1), "pickup: expected less than a bar");
  return { notes: notesFrom(value.notes, duration), duration, pickup, key: keyFrom(value.key), meters, phrase_ends: endsFrom(value.phrase_ends ?? [], duration), ...aboutFrom(value) };
}

/** @param {unknown} value @param {number} duration @returns {Note[]} */
function notesFrom(value, duration) {
  let now = 0;
  return listOf(value, "notes", MAX_NOTES).map((row, number) => {
    const [onset, length, pitch] = triple(row, `note ${number + 1}`);
    demand(onset >= now && length > 0 && onset + length <= duration, `note ${number + 1}: it overlaps another note, or is not within the melody`);
    demand(pitch <= 127, `note ${number + 1}: pitch ${pitch} is not from 0 to 127`);
    now = onset + length;
    return [onset, length, pitch];
  });
}

/** @param {any[]} value @param {number} duration @returns {number[]} */
function endsFrom(value, duration) {
  const ends = listOf(value, "phrase ends", MAX_NOTES);
  ends.forEach((end, at) => demand(whole(end, 1, duration) && (!at || end > ends[at - 1]), `phrase ends: ${end} is out of order, or after the end`));
  return [...ends];
}

/** @param {unknown} row @param {string} name @returns {[number, number, number]} */
function triple(row, name) {
  demand(Array.isArray(row) && row.length === 3 && row.every((one) => whole(one, 0, MAX_TICKS)), `${name}: expected three whole numbers`);
  const [first, second, third] = /** @type {number[]} */ (row);
  return [first, second, third];
}

/** @param {unknown} value @returns {Key | null} */
function keyFrom(value) {
  if (value === null || value === undefined) return null;
  if (!isObject(value)) throw new Mistake("key: expected a tonic and a mode");
  const { tonic, mode } = value;
  demand(/^[A-G](#{0,2}|b{0,2})$/.test(tonic) && MODES.includes(mode), `key: ${String(tonic).slice(0, 9)} ${String(mode).slice(0, 20)} is none`);
  return { tonic, mode };
}

/** Title, composer, tempo, lyrics and chord symbols, where there are any. @param {Record<string, any>} value */
function aboutFrom(value) {
  /** @type {Partial<Melody>} */
  const about = {};
  for (const name of /** @type {const} */ (["title", "composer", "source"])) {
    if (typeof value[name] === "string" && value[name]) about[name] = value[name].slice(0, MAX_TEXT);
  }
  const { tempo } = value;
  if (tempo !== null && tempo !== undefined) {
    demand(typeof tempo === "number" && tempo >= 5 && tempo <= 1000, "tempo: expected 5 to 1000 quarters a minute");
    about.tempo = tempo;
  }
  for (const name of /** @type {const} */ (["lyrics", "chords"])) {
    if (value[name] === undefined) continue;
    about[name] = listOf(value[name], name, MAX_NOTES).map((row) => {
      demand(Array.isArray(row) && row.length === 2 && whole(row[0], 0, MAX_TICKS) && typeof row[1] === "string", `${name}: expected pairs of a tick and a text`);
      return [row[0], row[1].slice(0, 80)];
    });
  }
  return about;
}

/** A request as the server takes it; it checks the values itself. @param {unknown} value @returns {Request} */
export function requestFrom(value) {
  if (!isObject(value)) throw new Mistake("expected a request, an object with fields");
  demand(JSON.stringify(value).length <= MAX_REQUEST_CHARACTERS, "the request is too large");
  const { count, bars } = value;
  demand(count === undefined || whole(count, 1, 8), "count: at most 8 alternatives at a time");
  demand(bars === undefined || whole(bars, 1, 64), "bars: 1 to 64 at a time");
  return { ...value };
}

/** A take without what is claimed of it: certificate and originality are found again. @param {unknown} value @returns {Take} */
export function takeFrom(value) {
  if (!isObject(value)) throw new Mistake("expected a melody and its request");
  const request = value.request === null || value.request === undefined ? null : requestFrom(value.request);
  const index = whole(value.index, 0, MAX_TAKES) ? value.index : 0;
  return { melody: melodyFrom(value.melody), request, index, certificate: null, originality: null, surprise: null, edited: value.edited === true };
}

/** @param {unknown} value @returns {Work} */
export function workFrom(value) {
  if (!isObject(value)) throw new Mistake("expected melodies");
  const takes = listOf(value.takes, "melodies", MAX_TAKES).map(takeFrom);
  demand(takes.length > 0, "there is no melody in it");
  return { takes, current: whole(value.current, 0, takes.length - 1) ? value.current : 0 };
}
