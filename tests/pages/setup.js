// What the scripts find in a browser, as far as their tests need it.

import { readFileSync } from "node:fs";

import { setTheory } from "../../src/melodysynthesis/apps/studio/static/theory.js";

globalThis.innerWidth = 1280;
setTheory(JSON.parse(readFileSync(new URL("theory.json", import.meta.url), "utf8")));

/** A melody of one meter. */
export function melodyOf(meter, duration, { pickup = 0, notes = [], key = null } = {}) {
  return { notes, duration, pickup, key, meters: [[0, ...meter]], phrase_ends: [] };
}

/** Put a fake in place of a global for one test. */
export function fake(test, name, value) {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  test.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
  return value;
}
