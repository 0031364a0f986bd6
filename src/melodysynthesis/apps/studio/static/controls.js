// The fields of a request: one table, from which the form, its guarantees and the request are made. The rules are the
// library's: each has a control without a line of its own here.

import { html } from "./dom.js";

/** @import {Model, Request, Rule, Terms} from "./types.js" */

/**
 * @typedef {object} Field
 * @property {string} name  of the request's field
 * @property {string} label
 * @property {"guaranteed" | "encouraged" | ""} promise
 * @property {"text" | "number" | "range" | "tick" | "choice"} kind
 * @property {string} help
 * @property {boolean} [half]
 * @property {string} [example]
 * @property {string[]} [known]  suggestions, or the choices
 * @property {Record<string, string>} [told]  what choices are called, where not by themselves
 * @property {Record<string, any>} [limits]
 * @property {string | boolean} [usual]  the value at first; of a tick box, also the one that demands nothing
 */

const SURE = /** @type {const} */ ("guaranteed");
const OF_A_MELODY = ["primers", "primer", "within", "rewrite", "held"];
const NARROW = 900; // pixels: on narrower pages what few people change is folded
const SHORT = 8; // letters of a label and an example that fit in half of a row

/** The control of a rule. @param {Rule} rule @returns {Field} */
export function ruleField({ name, label, kind, help, guarantee, example, choices, min, max, ...rule }) {
  const field = { name, label: label[0].toUpperCase() + label.slice(1), promise: SURE, help: `${help} ${guarantee}` };
  if (kind === "flag") return { ...field, kind: "tick", usual: rule.default === true };
  if (kind === "choice") return { ...field, kind, known: ["", ...choices] };
  const half = Math.max(label.length, String(example).length) <= SHORT;
  return { ...field, kind, half, example: String(example), limits: kind === "number" ? { min, max } : {} };
}

/** @param {Terms} terms @param {Model[]} models @returns {[string, Field[]][]} the titles of the groups, and their fields */
function table(terms, models) {
  const tonics = ["C", "G", "D", "A", "E", "F", "Bb", "Eb"];
  const keys = [...tonics.map((tonic) => `${tonic} major`), "A minor", "E minor", "D minor", "G minor", "D dorian", "G mixolydian"];
  return [
    ["Melody", [
      { name: "model", label: "Model", promise: "", kind: "choice", known: models.map((model) => model.name),
        told: Object.fromEntries(models.filter((model) => model.baseline).map(({ name }) => [name, `${name} (baseline)`])),
        help: "Which model writes. A baseline is counted, not trained: what a model has to be better than." },
      { name: "key", label: "Key", promise: SURE, kind: "text", half: true, example: "model’s choice", known: keys, usual: "G major",
        help: "Such as G major, e minor or D dorian." },
      { name: "meter", label: "Meter", promise: SURE, kind: "text", half: true, example: "model’s choice",
        known: ["2/4", "3/4", "4/4", "6/8", "3/8", "9/8", "2/2", "5/4"], usual: "3/4", help: "Such as 3/4 or 6/8." },
      { name: "bars", label: "Bars", promise: SURE, kind: "number", half: true, example: "any", limits: { min: 1, max: 64 }, usual: "8",
        help: "How many bars; for “Continue”, how many more." },
      { name: "count", label: "Alternatives", promise: "", kind: "number", half: true, limits: { min: 1, max: 8 }, usual: "3",
        help: "How many melodies to choose from." },
    ]],
    ["Rules", terms.rules.map(ruleField)],
    ["Manner", [
      { name: "temperature", label: "Temperature", promise: "encouraged", kind: "range", limits: { min: 0.3, max: 1.6, step: 0.05 }, usual: "0.9",
        help: "Low: the likely becomes likelier. High: bolder." },
      { name: "top_p", label: "Top-p", promise: "encouraged", kind: "number", half: true, example: "1",
        limits: { min: 0.05, max: 1, step: 0.05 }, help: "Draw only from the likeliest tokens with this probability together." },
      { name: "seed", label: "Seed", promise: "", kind: "number", half: true, example: "fresh", limits: { min: 0, max: 999999999 },
        help: "The same seed and request make the same melodies." },
    ]],
  ];
}

export class Controls {
  /** @param {HTMLElement} place @param {Terms} terms @param {Model[]} models @param {() => void} changed */
  constructor(place, terms, models, changed) {
    /** @type {Map<string, {field: Field, input: HTMLInputElement | HTMLSelectElement}>} */
    this.inputs = new Map();
    /** @type {Record<string, any>} */
    this.others = {}; // fields of a request that was opened which have no control here
    this.otherPlace = html("div", { class: "others" });
    for (const [title, fields] of table(terms, models)) {
      const group = html("fieldset", {}, html("legend", {}, title), ...fields.map((field) => this.build(field)));
      if (title === "Melody") place.append(group);
      else place.append(html("details", { class: "group", open: innerWidth > NARROW }, html("summary", {}, title), group));
    }
    place.append(this.otherPlace);
    this.changed = changed;
    place.addEventListener("input", (event) => {
      /** @type {HTMLElement} */ (event.target).removeAttribute("aria-invalid");
      changed();
    });
  }

  /** @param {Field} field */
  build(field) {
    const { name, label, promise, kind, help, known = [], told: names = {}, limits = {} } = field;
    const id = `ask-${name}`;
    const about = { id, name, title: help, "aria-description": `${promise ? `${promise}. ` : ""}${help}` };
    const row = html("div", { class: `field${field.half ? " half" : ""}${kind === "tick" ? " tick" : ""}` });
    /** @type {HTMLInputElement | HTMLSelectElement} */
    let input;
    if (kind === "choice") {
      input = html("select", about, ...known.map((value) => html("option", { value }, names[value] ?? (value || "any"))));
    } else {
      const type = { text: "text", number: "number", range: "range", tick: "checkbox" }[kind];
      const list = kind === "text" && known.length ? `${id}-known` : null;
      input = html("input", { ...about, type, placeholder: field.example, list, spellcheck: kind === "text" ? "false" : null, ...limits });
      if (list) row.append(html("datalist", { id: list }, ...known.map((value) => html("option", { value }))));
    }
    const told = kind === "range" ? html("output", {}) : "";
    if (kind === "range") input.addEventListener("input", () => tell(input, /** @type {HTMLElement} */ (told)));
    const says = promise ? html("span", { class: `promise ${promise}` }, promise) : "";
    row.append(html("span", { class: "name" }, html("label", { for: id }, label, told ? " " : "", told), says), input);
    this.inputs.set(name, { field, input });
    return row;
  }

  /** What stands in the fields, empty ones left out. @returns {Record<string, any>} */
  get values() {
    /** @type {Record<string, any>} */
    const values = { ...this.others };
    for (const [name, { field, input }] of this.inputs) {
      if (input instanceof HTMLInputElement && field.kind === "tick") {
        if (input.checked !== (field.usual ?? false)) values[name] = input.checked;
      } else if (input.value.trim() !== "") {
        values[name] = ["number", "range"].includes(field.kind) ? Number(input.value) : input.value.trim();
      }
    }
    return values;
  }

  /** @param {Record<string, any> | null} values  null for what stands there at first */
  set values(values) {
    for (const [name, { field, input }] of this.inputs) {
      const value = values ? values[name] : field.usual;
      if (input instanceof HTMLInputElement && field.kind === "tick") input.checked = Boolean(value ?? field.usual);
      else if (input instanceof HTMLSelectElement) {
        if (value && ![...input.options].some((option) => option.value === value)) input.append(html("option", { value }, String(value)));
        input.value = value ?? (name === "model" ? input.options[0].value : "");
      } else input.value = String(value ?? (field.kind === "range" ? field.usual : ""));
      if (field.kind === "range") input.dispatchEvent(new Event("input"));
    }
    this.others = othersOf(values ?? {}, [...this.inputs.keys()]);
    this.showOthers();
  }

  /** Each of the fields without a control, with a button that takes it away. */
  showOthers() {
    this.otherPlace.replaceChildren(...Object.entries(this.others).map(([name, value]) => {
      const button = html("button", { type: "button", title: "Leave it out" }, `${name.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : value} ✕`);
      button.addEventListener("click", () => {
        delete this.others[name];
        this.showOthers();
        this.changed();
      });
      return button;
    }));
  }

  /** @param {string} name @param {boolean} off */
  disable(name, off) {
    const found = this.inputs.get(name);
    if (found) found.input.disabled = off;
  }

  /** Marks the fields that a message names. @param {string} message */
  blame(message) {
    const conflict = /^no melody keeps (.*?)(?: together)? in \d+ bar/.exec(message);
    const words = (conflict?.[1] ?? message).replaceAll("-", "_");
    for (const [name, { input }] of this.inputs) {
      const named = new RegExp(`\\b${name}\\b`).test(words);
      if (named) {
        input.setAttribute("aria-invalid", "true");
        const group = input.closest("details");
        if (group) group.open = true;
      } else input.removeAttribute("aria-invalid");
    }
  }
}

/** @param {HTMLInputElement | HTMLSelectElement} input @param {HTMLElement} output */
function tell(input, output) {
  output.textContent = Number(input.value).toFixed(2);
}

/**
 * What a request asks for beyond the fields of the form. The melody that it continued or rewrote is not of the form.
 * @param {Record<string, any>} values
 * @param {string[]} known  names of the form's fields
 */
export function othersOf(values, known) {
  const left = Object.entries(values).filter(([name, value]) => ![...known, ...OF_A_MELODY].includes(name) && value !== null && value !== false);
  return Object.fromEntries(left);
}

/** The rules of the fields, for melodies whose frame is given. @param {Request} values @returns {Request} */
export function withoutFrame(values) {
  const { meter, bars, ...rest } = values;
  return rest;
}
