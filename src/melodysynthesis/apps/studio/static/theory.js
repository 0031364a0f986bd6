// Music theory for the page. The server makes the table from the library, so that the page agrees with the rules.

/** @import {Key, Theory} from "./types.js" */

/** @type {Theory | null} */
let table = null;

/** Set the table before anything else of this page is used. @param {Theory} theory  the answer of /api/theory */
export function setTheory(theory) {
  table = theory;
}

function known() {
  if (!table) throw new Error("the theory table is not loaded");
  return table;
}

/** Ticks of a bar, of a beat, and of the strong beats in a bar. @param {{beats: number, unit: number}} meter */
export function meterOf({ beats, unit }) {
  const meter = known().meters[`${beats}/${unit}`];
  if (!meter) throw new Error(`${beats}/${unit} is not a meter`);
  return meter;
}

/** Pitch class of a note name such as F# or Bb. @param {string} name */
export function pitchClass(name) {
  return known().tonics[name];
}

/** The next pitch of the key's scale; a semitone further without a key. @param {number} pitch @param {Key | null} key @param {1 | -1} by */
export function scaleStep(pitch, key, by) {
  const degrees = key ? known().scales[key.mode] : undefined;
  const tonic = key ? pitchClass(key.tonic) : 0;
  let next = pitch + by;
  while (degrees && !degrees.includes((((next - tonic) % 12) + 12) % 12)) next += by;
  return next;
}

/** Name of a pitch, spelled as in the key. @param {number} pitch  MIDI number @param {Key | null} key */
export function pitchName(pitch, key) {
  const [name, octave] = known().pitches[key ? `${key.tonic} ${key.mode}` : ""][pitch % 12];
  return `${name}${octave + Math.floor(pitch / 12) - 5}`;
}
