// The library: whatever was saved can be found again, and what comes from elsewhere is checked before it comes in.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Library, MAX_VERSIONS } from "../../src/melodysynthesis/apps/studio/static/library.js";
import { Memory } from "../../src/melodysynthesis/apps/studio/static/shelf.js";
import { Store } from "../../src/melodysynthesis/apps/studio/static/store.js";
import { fake, melodyOf } from "./setup.js";

const take = (duration, more = {}) => ({ melody: melodyOf([4, 4], duration), request: null, index: 0, certificate: null, originality: null, surprise: null, edited: false, ...more });
const work = (duration) => ({ takes: [take(duration)], current: 0 });
const length = ({ work: { takes } }) => takes[0].melody.duration;

/** A browser's memories; the library's is handed on from tab to tab. */
function memories(t) {
  for (const name of ["localStorage", "sessionStorage"]) {
    const map = new Map();
    fake(t, name, { map, getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value) });
  }
}

async function storeOf(t, shelf = new Memory()) {
  memories(t);
  return Store.open(new Library(shelf), () => work(1));
}

test("each step is undone and done again, and a step after an undo leaves what was undone among the versions", async (t) => {
  const store = await storeOf(t);
  await store.put(work(2), "second");
  await store.put(work(3), "third");
  await store.undo();
  await store.undo();
  assert.equal(length(store), 1);
  await store.undo();
  assert.equal(length(store), 1);
  await store.redo();
  assert.equal(length(store), 2);
  await store.put(work(4), "fourth");
  await store.redo();
  assert.equal(length(store), 4);
  const versions = await store.library.versions(store.item.id);
  assert.deepEqual(versions.map((version) => version.work.takes[0].melody.duration), [4, 3, 2, 1]);
});

test("work, undo and settings survive a reload", async (t) => {
  const shelf = new Memory();
  const store = await storeOf(t, shelf);
  store.fields = { key: "G major" };
  await store.put(work(7), "seven");
  store.play({ tempo: 90 });
  const again = await Store.open(new Library(shelf), () => work(1));
  assert.deepEqual([length(again), again.manner.tempo, again.manner.grid, again.fields.key], [7, 90, 12, "G major"]);
  await again.undo();
  assert.equal(length(again), 1);
});

test("a change is saved before it is shown", async (t) => {
  const store = await storeOf(t);
  const shown = [];
  store.listen(() => shown.push([length(store), store.library.shelf.kept.items.get(store.item.id).at]));
  await store.put(work(2), "second");
  assert.deepEqual(shown, [[2, 1]]);
});

test("a change that can't be saved is shown, and said", async (t) => {
  const store = await storeOf(t);
  const told = [];
  store.failed = (error) => told.push(error.message);
  store.library.shelf.run = async () => { throw new Error("full"); };
  await store.put(work(2), "second");
  assert.deepEqual([length(store), told, store.saving], [2, ["full"], 0]);
});

test("changes that come at once happen one after the other, and none is lost", async (t) => {
  const store = await storeOf(t);
  const shown = [];
  store.listen(() => shown.push(length(store)));
  await Promise.all([2, 3, 4].map((duration) => store.put(work(duration), String(duration))));
  assert.deepEqual(shown, [4], "a view goes back to what is changed already");
  assert.equal(length(store), 4);
  assert.deepEqual(store.item.past.length, 3);
});

test("what is opened while melodies are written has an item of its own, and so have they", async (t) => {
  const store = await storeOf(t);
  const { id } = store.item;
  store.write(id, work(9));
  assert.equal(store.take.melody.duration, 9);
  await store.create("tune.abc", work(5), "opened");
  assert.deepEqual([store.take.melody.duration, store.pending], [5, null]);
  store.write(id, null);
  await store.put(work(10), "written", id);
  assert.equal(length(store), 5);
  await store.visit(id);
  assert.equal(length(store), 10);
});

test("two tabs with one item agree, and what each has done is undone in turn", async (t) => {
  const shelf = new Memory();
  const tabs = [];
  const channel = (own) => ({ postMessage: (id) => tabs.forEach((tab, number) => number !== own && tab.changedElsewhere(id)) });
  memories(t);
  for (const own of [0, 1]) tabs.push(await Store.open(new Library(shelf, channel(own)), () => work(1)));
  const settled = async () => { for (const tab of [...tabs, ...tabs]) await tab.queue; };
  await tabs[0].put(work(2), "first tab");
  await settled();
  assert.equal(length(tabs[1]), 2);
  await Promise.all([tabs[0].put(work(3), "first tab"), tabs[1].put(work(4), "second tab")]);
  await settled();
  assert.equal(length(tabs[0]), length(tabs[1]));
  await tabs[1].undo();
  await tabs[1].undo();
  await settled();
  assert.deepEqual(tabs.map(length), [2, 2]);
});

test("an item that was deleted in another tab is said, not written to", async (t) => {
  const store = await storeOf(t);
  const told = [];
  store.failed = (error) => told.push(error.message);
  await store.library.remove(store.item.id);
  await store.put(work(2), "second");
  assert.deepEqual(told, ["this melody was deleted in another tab"]);
});

test("what becomes known of a melody is no step, and nothing where the melody has changed", async (t) => {
  const store = await storeOf(t);
  const { melody } = store.take;
  await store.learn(store.item.id, melody, { surprise: [1] });
  assert.deepEqual([store.take.surprise, store.item.past.length], [[1], 0]);
  await store.put(work(2), "second");
  await store.learn(store.item.id, melody, { surprise: [2] });
  assert.equal(store.take.surprise, null);
});

test("a melody that did not change stays the same object, so that no view draws it again", async (t) => {
  const store = await storeOf(t);
  const { melody } = store.take;
  await store.learn(store.item.id, melody, { surprise: [] });
  assert.equal(store.take.melody, melody);
});

test("the oldest versions go first, and undo never meets one that has gone", async () => {
  const library = new Library(new Memory());
  const { item: { id } } = await library.create("x", work(1), "new");
  for (let number = 2; number <= MAX_VERSIONS + 20; number += 1) await library.step(id, () => work(number), "");
  assert.equal((await library.versions(id)).length, MAX_VERSIONS);
  let opened = await library.open(id);
  while (opened.item.past.length) opened = await library.turn(id, -1);
  assert.ok(length(opened) > 20);
});

test("an exported library comes back whole, beside what is there, and undo goes on in it", async () => {
  const library = new Library(new Memory());
  const { item: { id } } = await library.create("Waltz", work(1), "new");
  await library.step(id, () => work(2), "second");
  await library.turn(id, -1);
  const text = await library.exported();
  const other = new Library(new Memory());
  await other.create("own", work(9), "new");
  assert.equal(await other.add(text), 1);
  const items = await other.list();
  assert.deepEqual(items.map((item) => item.name).sort(), ["Waltz", "own"]);
  const waltz = items.find((item) => item.name === "Waltz");
  assert.notEqual(waltz.id, id);
  assert.equal(length(await other.open(waltz.id)), 1);
  assert.equal(length(await other.turn(waltz.id, 1)), 2);
});

test("a library file is checked before any of it is saved", async () => {
  const library = new Library(new Memory());
  await library.create("Waltz", work(1), "new");
  const good = JSON.parse(await library.exported());
  const bad = (change) => {
    const copy = structuredClone(good);
    copy.items.push(structuredClone(copy.items[0]));
    change(copy.items[1], copy);
    return JSON.stringify(copy);
  };
  const melody = (item) => item.versions[0].work.takes[0].melody;
  for (const [change, why] of [
    [(item) => (melody(item).meters = [[0, 0, 4]]), /0\/4 is not a meter/],
    [(item) => (melody(item).duration = 1e12), /duration/],
    [(item) => (melody(item).notes = [[0, 9, 60], [4, 2, 60]]), /note 1/],
    [(item) => (item.versions = []), /versions/],
    [(item) => (item.versions[0].work.takes = []), /no melody/],
    [(_, whole) => (whole.format = "other"), /not a library/],
    [(_, whole) => (whole.items = Array(3000).fill(1)), /more than/],
  ]) await assert.rejects(library.add(bad(change)), (error) => why.test(error.message));
  assert.equal((await library.list()).length, 1);
  await assert.rejects(library.add("{"), /no JSON/);
});

test("what a library file claims of its melodies is found anew", async () => {
  const library = new Library(new Memory());
  await library.create("Waltz", { takes: [take(1, { certificate: { verdict: "kept", rules: [] } })], current: 0 }, "new");
  const other = new Library(new Memory());
  await other.add(await library.exported());
  const [item] = await other.list();
  assert.equal((await other.open(item.id)).work.takes[0].certificate, null);
});

test("the work of a studio that had no library yet becomes its first item; a damaged memory is forgotten", async (t) => {
  memories(t);
  localStorage.setItem("melodysynthesis-studio-1", JSON.stringify({ work: work(5), manner: { tempo: 80 } }));
  const store = await Store.open(new Library(new Memory()), () => work(1));
  assert.deepEqual([length(store), store.manner.tempo], [5, 80]);
  localStorage.setItem("melodysynthesis-studio-1", "{");
  assert.equal(length(await Store.open(new Library(new Memory()), () => work(1))), 1);
});

/** Random numbers that are the same each time. @param {number} seed */
function randoms(seed) {
  let state = seed;
  return (most) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * most);
  };
}

test("over 2,000 random actions in two tabs nothing that was saved is gone, and both show what is saved", async (t) => {
  const random = randoms(7);
  const shelf = new Memory();
  const tabs = [];
  const channel = (own) => ({ postMessage: (id) => tabs.forEach((tab, number) => number !== own && tab.changedElsewhere(id)) });
  memories(t);
  const open = (own) => Store.open(new Library(shelf, channel(own)), () => work(1));
  for (const own of [0, 1]) tabs.push(await open(own));
  const saved = new Map(); // the length that each version had when it was saved
  let next = 2;
  let full = false;
  const { run } = shelf;
  shelf.run = (work) => (full ? Promise.reject(new Error("full")) : run.call(shelf, work));
  const actions = [
    (tab) => tab.put(work(next++), "put"),
    (tab) => tab.put({ takes: [take(next++), take(next++)], current: 1 }, "two"),
    (tab) => tab.change({ edited: true, melody: melodyOf([4, 4], next++) }, "edit"),
    (tab) => tab.undo(),
    (tab) => tab.redo(),
    (tab) => tab.create(`item ${next}`, work(next++), "new"),
    async (tab) => tab.visit((await tab.library.list())[random(3)]?.id ?? tab.item.id),
    (tab) => tab.bringForward(random(tab.front.takes.length)),
    (tab) => tab.learn(tab.item.id, tab.take.melody, { surprise: [next] }),
    (tab) => tab.write(tab.item.id, random(2) ? work(next++) : null),
    (tab) => tab.rename(`name ${next}`),
    async (_, own) => (tabs[own] = await open(own)), // a reload
    async (tab) => {
      full = true;
      await tab.put(tab.work, "not saved");
      full = false;
      await tab.visit(tab.item.id);
    },
  ];
  for (let number = 0; number < 2000; number += 1) {
    const own = random(2);
    await actions[random(actions.length)](tabs[own], own);
    for (const tab of [...tabs, ...tabs]) await tab.queue;
    for (const tab of tabs) {
      assert.equal(tab.saving, 0);
      const opened = await tab.library.open(tab.item.id);
      assert.deepEqual(tab.work, opened.work, `action ${number}`);
      const versions = shelf.kept.versions;
      for (const numbers of [tab.item.past, tab.item.future]) for (const one of numbers) assert.ok(versions.has(`${tab.item.id},${one}`));
    }
    for (const [key, version] of shelf.kept.versions) {
      const lengths = version.work.takes.map(({ melody }) => melody.duration).join();
      assert.equal(saved.get(key) ?? lengths, lengths);
      saved.set(key, lengths);
    }
    for (const key of saved.keys()) assert.ok(shelf.kept.versions.has(key) || Number(key.split(",")[1]) < MAX_VERSIONS, key);
  }
});
