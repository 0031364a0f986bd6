// Rules that are drawn over the bars, as text and back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { melodyOf } from "./setup.js";
import { climaxAt, contourOf, planOf, withFixed } from "../../src/melodysynthesis/apps/studio/static/plan.js";

const key = { tonic: "G", mode: "major" };
const melody = melodyOf([3, 4], 72 * 8, { key });

test("a fixed note that is drawn is read back at its place, and drawn again it is gone", () => {
  for (const spot of [{ tick: 0, pitch: 66 }, { tick: 84, pitch: 67 }, { tick: 80, pitch: 72 }, { tick: 570, pitch: 59 }]) {
    const text = withFixed("", spot, melody);
    assert.deepEqual(planOf({ fixed: text }, melody).fixed, [spot], text);
    assert.equal(withFixed(text, spot, melody), "");
  }
  assert.equal(withFixed("1.1:G4", { tick: 84, pitch: 66 }, melody), "1.1:G4 2.3/2:F#4");
});

test("the climax has its bar, and the form a section for each letter", () => {
  assert.equal(climaxAt({ tick: 5 * 72 + 30, pitch: 76 }, melody), "6:E5");
  assert.deepEqual(planOf({ climax: "6:E5" }, melody).climax, { tick: 360, pitch: 76 });
  assert.deepEqual(planOf({ form: "AABA'" }, melody).form.map(({ letter, start }) => [letter, start]), [["A", 0], ["A", 144], ["B", 288], ["A'", 432]]);
  assert.deepEqual(planOf({ form: "ABC" }, melody).form, [], "that do not fit the bars");
});

test("a line that is drawn is a contour, a step for each place", () => {
  const line = [[0, 60], [12, 62], [14, 64], [24, 63], [36, 63]].map(([tick, pitch]) => ({ tick, pitch }));
  assert.equal(contourOf(line, 12), "+ - 0");
});
