// Chords under a melody: requested once, voiced around middle C.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ChordTracks, voiced } from "../../src/melodysynthesis/apps/studio/static/chords.js";
import { fake, melodyOf } from "./setup.js";

const G7 = { start: 0, end: 96, root: 7, tones: [2, 5, 7, 11] };

/** A server that answers with G7, or refuses. */
function server(t, { ok = true } = {}) {
  const sent = [];
  fake(t, "fetch", async (path, init) => {
    sent.push([path, JSON.parse(init.body)]);
    return { ok, status: ok ? 200 : 422, json: async () => (ok ? [G7] : { message: "unknown chord" }) };
  });
  return sent;
}

test("the root is in the bass, the tones lie in the octave from E3 on", () => {
  const { start, end, pitches } = voiced(G7);
  assert.deepEqual([start, end, pitches], [0, 96, [43, 62, 53, 55, 59]]);
  assert.deepEqual(voiced({ ...G7, root: 0, tones: [0, 4, 7] }).pitches, [36, 60, 52, 55]);
});

test("a chart is requested once for the same bars, and told when it is there", async (t) => {
  const sent = server(t);
  let told = 0;
  const tracks = new ChordTracks(() => (told += 1));
  const melody = melodyOf([4, 4], 96, { notes: [[0, 96, 60]] });
  assert.deepEqual(tracks.of("G7", melody), []);
  assert.deepEqual(tracks.of(" G7 ", { ...melody, notes: [] }), []);
  assert.deepEqual(await tracks.fetch("G7", melody), [voiced(G7)]);
  await Promise.resolve();
  assert.equal(told, 1);
  assert.deepEqual(tracks.of("G7", melody), [voiced(G7)]);
  assert.equal(sent.length, 1);
  assert.deepEqual([sent[0][0], sent[0][1].chords, sent[0][1].melody.notes], ["/api/chords", "G7", []]);
  tracks.of("G7", { ...melody, pickup: 24 });
  assert.equal(sent.length, 2, "another pickup moves the bars");
});

test("an empty chart is not requested, and one that can't be read has no chords", async (t) => {
  const sent = server(t, { ok: false });
  const tracks = new ChordTracks(() => {});
  assert.deepEqual(tracks.of("  ", melodyOf([4, 4], 96)), []);
  assert.deepEqual(await tracks.fetch("", melodyOf([4, 4], 96)), []);
  assert.equal(sent.length, 0);
  assert.deepEqual(await tracks.fetch("H", melodyOf([4, 4], 96)), []);
});
