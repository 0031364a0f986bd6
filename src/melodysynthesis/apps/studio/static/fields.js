// The fields of a request, made from what the server says of each: a rule, or any other field, gets its control without
// a line of its own. The tables here say only where a field is shown, and how those that everybody uses look.

/** @import {BasicField, Model, Rule, Terms} from "./types.js" */

/**
 * @typedef {object} Field
 * @property {string} name  of the request's field
 * @property {string} label
 * @property {"guaranteed" | "encouraged" | ""} promise
 * @property {"text" | "number" | "range" | "tick" | "choice" | "quarters"} kind
 * @property {string} help
 * @property {boolean} [rule]  whether it can be a wish
 * @property {boolean} [half]
 * @property {string} [example]
 * @property {string[]} [known]  suggestions, or the choices
 * @property {Record<string, string>} [told]  what choices are called, where not by themselves
 * @property {Record<string, any>} [limits]
 * @property {string | boolean} [usual]  the value at first; of a tick box, also the one that demands nothing
 */
/** @typedef {{title: string, fields: Field[], folded?: boolean, open?: boolean, searched?: boolean}} Group */

const GUARANTEED = /** @type {const} */ ("guaranteed");
const ENCOURAGED = /** @type {const} */ ("encouraged");
const NARROW = 900; // pixels: on narrower pages the rules are folded, so that the melody is near
const SHORT = 8; // letters of a label and an example that fit in half of a row
const MELODY = ["model", "key", "meter", "bars", "count"];
const SIMPLE = ["chords", "form", "range", "scale", "cadence", "lyrics"];
const MANNER = ["temperature", "drafts", "seed", "top_p", "top_k", "particles", "max_steps", "plan", "title"];
const TONICS = ["C", "G", "D", "A", "E", "F", "Bb", "Eb"];
const KEYS = [...TONICS.map((tonic) => `${tonic} major`), "A minor", "E minor", "D minor", "G minor", "D dorian", "G mixolydian"];

/** @type {Record<string, Partial<Field>>} */
const LOOKS = {
  model: { kind: "choice", help: "Which model writes. A baseline is counted, not trained: what a model has to be better than." },
  key: { promise: GUARANTEED, half: true, example: "model’s choice", known: KEYS, usual: "G major", help: "Such as G major, e minor or D dorian." },
  meter: {
    promise: GUARANTEED, half: true, example: "model’s choice", known: ["2/4", "3/4", "4/4", "6/8", "3/8", "9/8", "2/2", "5/4"], usual: "3/4",
    help: "Such as 3/4 or 6/8; with groups of beats 3+2/4.",
  },
  bars: { promise: GUARANTEED, half: true, example: "any", usual: "8", help: "How many bars; for “Continue”, how many more." },
  count: { label: "Alternatives", half: true, usual: "3", help: "How many melodies to choose from." },
  pickup: { promise: GUARANTEED, half: true, example: "1/2", help: "Length of the upbeat in quarters, which a note begins: 0, 1, 1/2. Without it the model chooses." },
  meters: { promise: GUARANTEED, label: "Changing meters", example: "3/4 x4, 4/4 x4" },
  temperature: { promise: ENCOURAGED, kind: "range", limits: { min: 0.3, max: 1.6, step: 0.05 }, usual: "0.9", help: "Low: the likely becomes likelier. High: bolder." },
  drafts: { promise: ENCOURAGED, half: true, example: "4" },
  top_p: { promise: ENCOURAGED, label: "Top-p", half: true, example: "1", limits: { min: 0.05, max: 1, step: 0.05 } },
  top_k: { promise: ENCOURAGED, label: "Top-k", half: true, example: "all" },
  particles: { promise: ENCOURAGED, half: true, example: "8" },
  max_steps: { label: "Most tokens", half: true, example: "1500" },
  plan: { promise: GUARANTEED, example: "A:6 B:6 A':6 C:6 last:1", help: "Phrases before the notes, for models that plan: letter and length in quarters of each, and the degree of the last note." },
  seed: { half: true, example: "fresh", limits: { min: 0, max: 999999999 }, help: "The same seed and request make the same melodies." },
  title: { example: "untitled", help: "Title of the melodies, for their files." },
};

/** @type {Field} */
export const RANK = {
  name: "rank", label: "Choose among more", promise: ENCOURAGED, kind: "tick", usual: false,
  help: "Draw three times as many melodies, and keep likely ones, each unlike the others, the best first. They are shown when all are written.",
};

/** The control of a rule, or of an option of one. @param {Rule} rule @returns {Field} */
export function ruleField({ name, label, kind, help, guarantee, example, choices, min, max, of, ...rule }) {
  const field = { name, label: capital(label), promise: GUARANTEED, rule: of === name, help: `${help} ${guarantee}` };
  if (kind === "flag") return { ...field, kind: "tick", usual: rule.default === true };
  if (kind === "choice") return { ...field, kind, known: ["", ...choices] };
  const half = Math.max(label.length, String(example).length) <= SHORT;
  return { ...field, kind, half, example: String(example), limits: kind === "number" ? { min, max } : {} };
}

/** The control of a field that is no rule. @param {BasicField} basic @returns {Field} */
export function basicField({ name, label, kind, help, min, max, whole }) {
  const limits = kind === "number" ? { min, max, ...(whole ? {} : { step: "any" }) } : {};
  return { name, label: capital(label), promise: "", kind, help, limits, ...LOOKS[name] };
}

/** All controls of the form, in their groups. @param {Terms} terms @param {Model[]} models @returns {Group[]} */
export function groupsOf(terms, models) {
  const baselines = models.filter((model) => model.baseline).map(({ name }) => [name, `${name} (baseline)`]);
  const basic = terms.fields.map(basicField).map((field) => (field.name === "model" ? { ...field, known: models.map(({ name }) => name), told: Object.fromEntries(baselines) } : field));
  const all = [...basic, ...terms.rules.map(ruleField)];
  const named = (/** @type {string[]} */ names) => names.flatMap((name) => all.filter((field) => field.name === name));
  const placed = [...MELODY, ...SIMPLE, ...MANNER];
  return [
    { title: "Melody", fields: named(MELODY) },
    { title: "Rules", fields: named(SIMPLE), folded: true, open: innerWidth > NARROW },
    { title: "More rules", fields: all.filter(({ name }) => !placed.includes(name)), folded: true, searched: true },
    { title: "Manner", fields: [...named(MANNER), RANK], folded: true },
  ];
}

/** The controls for answers played live: rules, and how they are drawn. @param {Terms} terms @returns {Group[]} */
export function groupsOfLive(terms) {
  const drawn = ["top_p", "top_k", "particles", "drafts", "seed"];
  const basic = terms.fields.filter(({ name }) => drawn.includes(name)).map(basicField);
  return [{ title: "Rules of the answers", fields: [...terms.rules.map(ruleField), ...basic], folded: true, searched: true }];
}

/** @param {string} label */
function capital(label) {
  return label[0].toUpperCase() + label.slice(1);
}
