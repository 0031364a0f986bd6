// Melodies and theory on the page: bars, beats, names, and changes by hand.

import assert from "node:assert/strict";
import { test } from "node:test";

import { barsOf, beatsOf, lengthName, placeName, silence, withBar, withNote, withoutNote } from "../../src/melodysynthesis/apps/studio/static/melody.js";
import { meterOf, pitchClass, pitchName } from "../../src/melodysynthesis/apps/studio/static/theory.js";
import { melodyOf } from "./setup.js";

test("a pickup is bar 0, and the last bar is short by it", () => {
  const bars = barsOf(melodyOf([4, 4], 192, { pickup: 24 }));
  assert.deepEqual(bars.map(({ number, start, end }) => [number, start, end]), [[0, 0, 24], [1, 24, 120], [2, 120, 192]]);
});

test("bars follow a change of meter, and a bar that it cuts is short", () => {
  const melody = { ...melodyOf([4, 4], 204), meters: [[0, 4, 4], [132, 3, 4]] };
  assert.deepEqual(barsOf(melody).map(({ start, end, beats }) => [start, end, beats]), [[0, 96, 4], [96, 132, 4], [132, 204, 3]]);
});

test("a melody without a meter has no bars", () => {
  assert.deepEqual(barsOf({ ...melodyOf([4, 4], 96), meters: [] }), []);
  assert.equal(placeName({ ...melodyOf([4, 4], 96), meters: [] }, 50), "3");
});

test("beats are the library's, in compound and in long meters", () => {
  const beats = (beats, unit) => meterOf({ beats, unit }).beat;
  assert.deepEqual([beats(4, 4), beats(6, 8), beats(3, 8), beats(15, 8), beats(18, 8), beats(21, 16), beats(2, 2)], [24, 36, 12, 12, 12, 6, 48]);
  assert.throws(() => meterOf({ beats: 99, unit: 4 }), /99\/4 is not a meter/);
});

test("the beats of a pickup are the last of a whole bar, those of a short last bar its first", () => {
  const bars = barsOf(melodyOf([3, 4], 144, { pickup: 36 }));
  assert.deepEqual(bars.map(beatsOf), [[12], [36, 60, 84], [108, 132]]);
});

test("places are bar and beat, counted within a pickup from the bar that it ends", () => {
  const melody = melodyOf([4, 4], 192, { pickup: 24 });
  assert.deepEqual([0, 24, 47, 48, 120].map((tick) => placeName(melody, tick)), ["0.4", "1.1", "1.1", "1.2", "2.1"]);
  assert.equal(placeName(melodyOf([6, 8], 72), 36), "1.2");
});

test("pitches are spelled as in the key, with the octave of their letter", () => {
  assert.equal(pitchName(66, { tonic: "G", mode: "major" }), "F♯4");
  assert.equal(pitchName(66, { tonic: "Db", mode: "major" }), "G♭4");
  assert.equal(pitchName(60, { tonic: "C#", mode: "major" }), "B♯3");
  assert.equal(pitchName(71, { tonic: "Gb", mode: "major" }), "C♭5");
  assert.equal(pitchName(21, null), "A0");
  assert.deepEqual(["C", "F#", "Bb", "Cb", "B#"].map(pitchClass), [0, 6, 10, 11, 0]);
});

test("lengths are told in quarters", () => {
  assert.deepEqual([24, 36, 8, 6, 0, 25, 18].map(lengthName), ["1", "1½", "⅓", "¼", "0", "11/24", "¾"]);
});

test("an empty melody is as long as its bars", () => {
  assert.equal(silence(3, [6, 8], null).duration, 216);
});

test("a new note shortens, cuts and swallows what it covers: one line sounds", () => {
  const melody = melodyOf([4, 4], 96, { notes: [[0, 30, 60], [30, 10, 62], [40, 40, 64]] });
  const { melody: found, at } = withNote(melody, [24, 24, 70]);
  assert.deepEqual(found.notes, [[0, 24, 60], [24, 24, 70], [48, 32, 64]]);
  assert.equal(at, 1);
  assert.equal(melody.notes.length, 3, "the melody itself has changed");
});

test("a note that starts with the new one goes, even if it is longer", () => {
  const { melody } = withNote(melodyOf([4, 4], 96, { notes: [[24, 48, 60]] }), [24, 24, 70]);
  assert.deepEqual(melody.notes, [[24, 24, 70]]);
});

test("a note put in place of another leaves nothing of it, and stays within melody and range", () => {
  const melody = melodyOf([4, 4], 96, { notes: [[0, 24, 60], [24, 24, 62]] });
  assert.deepEqual(withNote(melody, [90, 24, 140], 1).melody.notes, [[0, 24, 60], [90, 6, 127]]);
  assert.deepEqual(withNote(melody, [-10, 5, -3], 0).melody.notes, [[0, 5, 0], [24, 24, 62]]);
  assert.deepEqual(withNote(melody, [50, 0, 60]).melody.notes.at(-1), [50, 1, 60]);
});

test("a note is removed by its number", () => {
  assert.deepEqual(withoutNote(melodyOf([4, 4], 96, { notes: [[0, 24, 60], [24, 24, 62]] }), 0).notes, [[24, 24, 62]]);
});

test("a bar more is a whole bar; a bar less takes its notes, and the last bar stays", () => {
  const melody = { ...melodyOf([3, 4], 144, { notes: [[0, 24, 60], [60, 24, 62], [96, 24, 64]] }), phrase_ends: [72, 144] };
  assert.equal(withBar(melody, 1).duration, 216);
  const less = withBar(melody, -1);
  assert.deepEqual([less.duration, less.notes, less.phrase_ends], [72, [[0, 24, 60], [60, 12, 62]], [72]]);
  assert.equal(withBar(less, -1), less);
});
