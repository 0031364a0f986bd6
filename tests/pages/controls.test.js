// The controls of rules are made from what the library says of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./setup.js";
import { wishesOf, without, withoutFrame } from "../../src/melodysynthesis/apps/studio/static/controls.js";
import { basicField, groupsOf, groupsOfLive, ruleField } from "../../src/melodysynthesis/apps/studio/static/fields.js";

const RULE = { name: "max_x", label: "largest x", help: "Of x.", guarantee: "No x is larger.", choices: [], min: null, max: null, default: null, of: "max_x" };

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

test("a rule can be a wish, an option of it can not", () => {
  assert.equal(ruleField({ ...RULE, kind: "number", example: 6 }).rule, true);
  assert.equal(ruleField({ ...RULE, kind: "number", example: 6, of: "scale" }).rule, false);
});

test("what the server says of is shown, whether or not the page has heard of it", () => {
  const strange = { name: "strange", label: "strange", kind: "number", help: "New.", min: 1, max: 3, whole: true, default: null };
  const terms = { rules: [{ ...RULE, kind: "number", example: 6 }], fields: [strange, { ...strange, name: "key", kind: "text" }] };
  const names = (groups) => groups.flatMap(({ fields }) => fields.map(({ name }) => name));
  assert.deepEqual(names(groupsOf(terms, [])), ["key", "strange", "max_x", "rank"]);
  assert.deepEqual(names(groupsOfLive(terms)), ["max_x"]);
  assert.deepEqual(basicField(strange).limits, { min: 1, max: 3 });
});

test("wishes are names, however they are written, and leave with their rules", () => {
  assert.deepEqual(wishesOf("--max-leap, chords"), ["max_leap", "chords"]);
  assert.deepEqual(without({ chords: "G", form: "AA", prefer: ["chords", "form"] }, ["form"]), { chords: "G", prefer: "chords" });
  assert.deepEqual(without({ form: "AA", prefer: "form" }, ["form"]), {});
});
