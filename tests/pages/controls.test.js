// The controls of rules are made from what the library says of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ruleField, withoutFrame } from "../../src/melodysynthesis/apps/studio/static/controls.js";

const RULE = { name: "max_x", label: "largest x", help: "Of x.", guarantee: "No x is larger.", choices: [], min: null, max: null, default: null };

test("a number has its limits, and an example to show how it is written", () => {
  const field = ruleField({ ...RULE, kind: "number", example: 6, min: 1, max: 9 });
  assert.deepEqual([field.kind, field.label, field.example, field.half, field.limits], ["number", "Largest x", "6", false, { min: 1, max: 9 }]);
  assert.equal(field.promise, "guaranteed");
  assert.equal(field.help, "Of x. No x is larger.");
});

test("a switch is at first as it demands nothing", () => {
  assert.equal(ruleField({ ...RULE, kind: "flag", example: false, default: true }).usual, true);
  assert.equal(ruleField({ ...RULE, kind: "flag", example: true, default: false }).usual, false);
});

test("a choice can be left open; a short label with a short example needs half of a row", () => {
  assert.equal(ruleField({ ...RULE, label: "form", kind: "text", example: "AABA" }).half, true);
  assert.deepEqual(ruleField({ ...RULE, kind: "choice", example: "b", choices: ["a", "b"] }).known, ["", "a", "b"]);
  assert.equal(ruleField({ ...RULE, kind: "text", example: "G | C | D7" }).half, false);
});

test("rules for given bars leave out what those bars say", () => {
  assert.deepEqual(withoutFrame({ meter: "3/4", bars: 4, range: "D4-G5" }), { range: "D4-G5" });
});
