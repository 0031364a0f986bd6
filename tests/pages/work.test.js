// What leaves the page and comes back: links, files, what was asked for; and what bars a person means.

import assert from "node:assert/strict";
import { test } from "node:test";

import { melodyFrom, requestFrom } from "../../src/melodysynthesis/apps/studio/static/checks.js";
import { about } from "../../src/melodysynthesis/apps/studio/static/compare.js";
import { othersOf } from "../../src/melodysynthesis/apps/studio/static/controls.js";
import { melodyOfFile, stemOf } from "../../src/melodysynthesis/apps/studio/static/downloads.js";
import { barsAsked, placeName, roomAfter, withNote, withoutNote } from "../../src/melodysynthesis/apps/studio/static/melody.js";
import { addressOf, linkOf, linked } from "../../src/melodysynthesis/apps/studio/static/share-link.js";
import { tapped } from "../../src/melodysynthesis/apps/studio/static/tempo.js";
import { scaleStep } from "../../src/melodysynthesis/apps/studio/static/theory.js";
import { blank } from "../../src/melodysynthesis/apps/studio/static/writing.js";
import { melodyOf } from "./setup.js";

const take = (duration, more = {}) => ({ melody: melodyOf([4, 4], duration), request: null, index: 0, certificate: null, originality: null, surprise: null, edited: false, ...more });
const linkTo = (said) => `#${Buffer.from(JSON.stringify(said)).toString("base64url")}`;

test("a link has the request and its seed; where the notes were changed by hand, the notes and the request", () => {
  const request = { model: "lstm", seed: 3, count: 3, key: "E♭ major ?>", chords: "G | C" };
  assert.deepEqual(linked(linkOf(take(9, { request, index: 2 }))), { request, melody: undefined, index: 2 });
  const chosen = take(9, { request, index: 5 });
  assert.equal(linked(linkOf(chosen)).melody.notes.length, chosen.melody.notes.length, "one of more than the request makes");
  for (const text of [">>>???", " >>>???", "  >>>???"]) {
    const link = linkOf(take(9, { request: { text } }));
    assert.match(link, /^#[\w-]+$/, "letters that addresses would change");
    assert.equal(linked(link).request.text, text);
  }
  const melody = { ...melodyOf([3, 4], 72, { notes: [[0, 24, 60]] }), title: "Walzer", tempo: 96, lyrics: [[0, "la"]] };
  const edited = linked(linkOf(take(72, { melody, request, edited: true })));
  assert.deepEqual([edited.melody, edited.request], [melody, request]);
});

test("a link says nothing of a machine that only its own person can reach", () => {
  const at = (hostname) => addressOf("#x", { hostname, origin: `http://${hostname}:8765`, pathname: "/" });
  assert.deepEqual(["localhost", "127.0.0.1", "[::1]"].map(at), ["#x", "#x", "#x"]);
  assert.equal(at("studio.example"), "http://studio.example:8765/#x");
});

test("a link of the longest melody is made and read; a longer one is refused", () => {
  const notes = Array.from({ length: 3000 }, (_, number) => [number * 6, 6, 60]);
  const melody = melodyOf([4, 4], 18_000, { notes });
  assert.equal(linked(linkOf(take(1, { melody }))).melody.notes.length, 3000);
  const long = { ...melody, title: "x".repeat(100_000) };
  assert.throws(() => linkOf(take(1, { melody: long })), /too long/);
  assert.throws(() => linked(`#${"a".repeat(200_000)}`), /too long/);
});

test("a link that is damaged, or made to do harm, says what is wrong", () => {
  const melody = melodyOf([4, 4], 96, { notes: [[0, 24, 60]] });
  for (const [said, why] of [
    [{ melody: { ...melody, meters: [[0, 0, 4]] } }, /0\/4 is not a meter/],
    [{ melody: { ...melody, meters: [[0, 4, 4], [0, 3, 4]] } }, /out of order/],
    [{ melody: { ...melody, duration: 4e11 } }, /duration/],
    [{ melody: { ...melody, duration: "96" } }, /duration/],
    [{ melody: { ...melody, notes: [[0, 24, 200]] } }, /pitch 200/],
    [{ melody: { ...melody, notes: [[0, 24, 60], [12, 24, 60]] } }, /overlaps/],
    [{ melody: { ...melody, notes: "x" } }, /expected a list/],
    [{ melody: { ...melody, key: { tonic: "H", mode: "major" } } }, /key/],
    [{ melody: { ...melody, pickup: 96 } }, /pickup/],
    [{ melody: { ...melody, tempo: 1e9 } }, /tempo/],
    [{ melody: { ...melody, lyrics: [[0]] } }, /lyrics/],
    [{ melody: { ...melody, phrase_ends: [9, 9] } }, /phrase ends/],
    [{ request: { bars: 1e9 } }, /bars/],
    [{ request: { count: 1e9 } }, /count/],
    [{ request: [] }, /request/],
    [{ other: 1 }, /no melody/],
    [Array(9).fill(1), /no melody/],
  ]) assert.throws(() => linked(linkTo(said)), (error) => /damaged/.test(error.message) && why.test(error.message), JSON.stringify(said));
  assert.throws(() => linked("#%%%%%%%%%%%%"), /damaged/);
  assert.throws(() => linked(linkOf(take(9)).slice(0, -9)), /damaged/);
  assert.deepEqual([linked(""), linked("#roll"), linked("some text")], [null, null, null]);
});

test("a melody that is checked has nothing in it that was not checked", () => {
  const found = melodyFrom({ ...melodyOf([4, 4], 96, { notes: [[0, 24, 60]] }), onclick: "x", title: 7 });
  assert.deepEqual(Object.keys(found).sort(), ["duration", "key", "meters", "notes", "phrase_ends", "pickup"]);
  assert.throws(() => requestFrom({ form: "A".repeat(200_000) }), /too large/);
});

test("the frame of a draft is never larger than what may be asked for", () => {
  const shown = melodyOf([3, 4], 72);
  assert.equal(blank({ bars: 1e9, meter: "4/4" }, shown).duration, 8 * 96);
  assert.deepEqual(blank({ meter: "0/4" }, shown).meters, [[0, 3, 4]]);
  assert.equal(blank({ bars: 2, meter: "6/8" }, shown).duration, 144);
});

test("files have the tempo and the title of the page", () => {
  const shown = { take: take(96), name: "Untitled", tempo: 110, chords: [], backing: false };
  assert.deepEqual([melodyOfFile(shown).tempo, melodyOfFile(shown).title], [110, undefined]);
  assert.equal(melodyOfFile({ ...shown, name: "My waltz" }).title, "My waltz");
  const melody = { ...melodyOf([4, 4], 96), tempo: 72, title: "Own" };
  assert.deepEqual([melodyOfFile({ ...shown, take: take(1, { melody }) }).tempo, melodyOfFile({ ...shown, take: take(1, { melody }) }).title], [72, "Own"]);
  const chords = [{ start: 0, end: 48, name: "G" }, { start: 48, end: 96, name: "G" }, { start: 144, end: 192, name: "C" }];
  assert.deepEqual(melodyOfFile({ ...shown, chords }).chords, [[0, "G"], [96, "N.C."], [144, "C"]]);
  assert.equal(stemOf({ ...shown, name: "../Ännchen: 1/2" }), "Ännchen 1 2");
  assert.equal(stemOf({ ...shown, take: take(1, { request: { model: "lstm", seed: 4 } }) }), "lstm-seed4-1");
  assert.equal(stemOf(shown), "melody");
});

test("a request's fields without a control are kept; the melody that it continued is not", () => {
  const request = { key: "G major", particles: 16, max_steps: null, primers: [{}], within: {}, rewrite: "2-3", held: false };
  assert.deepEqual(othersOf(request, ["key"]), { particles: 16 });
});

test("bars to rewrite: one field means one bar, none means none, and there must be such bars", () => {
  const melody = melodyOf([4, 4], 4 * 96);
  assert.deepEqual(barsAsked("", "3", melody), [3, 3]);
  assert.deepEqual(barsAsked("2", "", melody), [2, 2]);
  assert.deepEqual(barsAsked("3", "2", melody), [2, 3]);
  assert.equal(barsAsked("", " ", melody), null);
  assert.throws(() => barsAsked("0", "2", melody), /no bar 0: the melody has bars 1 to 4/);
  assert.throws(() => barsAsked("2", "9", melody), /no bar 9/);
});

test("a new note takes room that is there, never another note's", () => {
  const melody = melodyOf([4, 4], 96, { notes: [[0, 24, 60], [24, 24, 62], [54, 24, 64]] });
  assert.deepEqual(roomAfter(melody, 24, 12), [48, 6]);
  assert.deepEqual(roomAfter(melody, 78, 12), [78, 12]);
  assert.equal(roomAfter(melodyOf([4, 4], 24, { notes: [[0, 24, 60]] }), 0, 12), null);
});

test("arrows move by steps of the key's scale, without a key by semitones", () => {
  const key = { tonic: "G", mode: "major" };
  assert.deepEqual([scaleStep(67, key, 1), scaleStep(66, key, 1), scaleStep(71, key, 1), scaleStep(67, key, -1), scaleStep(68, key, -1)], [69, 67, 72, 66, 67]);
  assert.equal(scaleStep(60, null, 1), 61);
});

test("notes within a beat have places of their own", () => {
  const melody = melodyOf([4, 4], 96);
  const places = [0, 6, 8, 12, 24].map((tick) => placeName(melody, tick, true));
  assert.deepEqual(places, ["1.1", "1.1 and ¼", "1.1 and ⅓", "1.1 and ½", "1.2"]);
});

test("a syllable goes with its note, and away with it", () => {
  const melody = { ...melodyOf([4, 4], 96, { notes: [[0, 24, 60], [24, 24, 62]] }), lyrics: [[0, "la"], [24, "lo"]] };
  assert.deepEqual(withNote(melody, [48, 24, 60], 0).melody.lyrics, [[24, "lo"], [48, "la"]]);
  assert.deepEqual(withoutNote(melody, 0).lyrics, [[24, "lo"]]);
});

test("taps give a tempo, and a pause begins anew", () => {
  assert.equal(tapped([0]).tempo, null);
  assert.equal(tapped([0, 500, 1000, 1500]).tempo, 120);
  assert.deepEqual(tapped([0, 500, 9000]), { taps: [9000], tempo: null });
  assert.equal(tapped([9000, 9600]).tempo, 100);
});

test("a model's bits per note are those that its card names", () => {
  const card = { architecture: "lstm", parameters: 1000, figures: { "validation bits per note": 2.9, "test bits per note": 2.81 } };
  assert.match(about({ name: "lstm", card }), /2\.81 bits per note/);
});
