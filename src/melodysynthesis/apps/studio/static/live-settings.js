// How to play live: the fields of the view, what is kept of them, and the message that they make.

import { html } from "./dom.js";

/** @import {Model} from "./types.js" */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} help
 * @property {"choice" | "text" | "number" | "range"} kind
 * @property {boolean} [half]
 * @property {Record<string, string>} [known]  choices: value and words; of a text, suggestions
 * @property {Record<string, any>} [limits]
 * @property {string} usual
 */

const MOST_ANSWERS = ["", "1", "2", "4", "8"];

/** @param {Model[]} models @returns {[string, Field[]][]} */
const table = (models) => [
  ["Together", [
    { name: "mode", label: "We", kind: "choice", usual: "turns", help: "Take turns, or play at the same time.",
      known: { turns: "take turns: you call, the model answers", along: "play along: the model joins in" } },
    { name: "model", label: "Model", kind: "choice", usual: models[0].name, help: "Who plays with you.",
      known: Object.fromEntries(models.map(({ name }) => [name, name])) },
    { name: "key", label: "Key", kind: "text", half: true, usual: "", limits: { placeholder: "as you play" }, help: "Of all answers, such as G major; empty: what you play tells.",
      known: Object.fromEntries(["C major", "G major", "D major", "F major", "A minor", "E minor", "D dorian"].map((key) => [key, key])) },
    { name: "meter", label: "Meter", kind: "text", half: true, usual: "4/4", help: "Bar lines are where it says.",
      known: Object.fromEntries(["2/4", "3/4", "4/4", "6/8", "9/8", "5/4"].map((meter) => [meter, meter])) },
    { name: "tempo", label: "Tempo ♩ =", kind: "number", half: true, usual: "100", limits: { min: 20, max: 400 }, help: "Quarters a minute." },
    { name: "click", label: "Metronome", kind: "choice", half: true, usual: "count-in", help: "Without it the beat begins with your first note.",
      known: { "": "off", "count-in": "a bar ahead", on: "throughout" } },
  ]],
  ["Answers", [
    { name: "after", label: "Come after", kind: "choice", half: true, usual: "pause 0.5", help: "What tells that your phrase is over.",
      known: { "pause 0.25": "a short breath", "pause 0.5": "a breath", "pause 1": "a beat’s rest", "pause 2": "two beats’ rest",
        "trade 1": "each bar", "trade 2": "two bars", "trade 4": "four bars" } },
    { name: "at", label: "Begin on", kind: "choice", half: true, usual: "bar", help: "The next bar line, or the next beat.",
      known: { bar: "a bar line", beat: "a beat" } },
    { name: "bars", label: "Bars", kind: "choice", half: true, usual: "", help: "How long an answer is.",
      known: Object.fromEntries(MOST_ANSWERS.map((bars) => [bars, bars || "as you played"])) },
    { name: "temperature", label: "Boldness", kind: "range", half: true, usual: "0.9", limits: { min: 0.3, max: 1.6, step: 0.05 },
      help: "The model’s temperature. Low: the likely becomes likelier." },
  ]],
];

export class LiveSettings {
  /** @param {HTMLElement} place @param {Model[]} models @param {() => void} changed */
  constructor(place, models, changed) {
    /** @type {Map<string, HTMLInputElement | HTMLSelectElement>} */
    this.inputs = new Map();
    this.sets = table(models).map(([title, fields]) => html("fieldset", {}, html("legend", {}, title), ...fields.map((field) => this.build(field))));
    place.append(...this.sets);
    for (const kind of ["input", "change"]) { // while it is typed: a page that is reloaded has it
      place.addEventListener(kind, () => {
        this.suit();
        changed();
      });
    }
    this.suit();
  }

  /** @param {Field} field */
  build({ name, label, kind, help, known = {}, limits = {}, usual, half }) {
    const about = { id: `live-${name}`, name, title: help, "aria-description": help };
    const choices = Object.entries(known).map(([value, words]) => html("option", { value }, words));
    const list = kind === "text" ? html("datalist", { id: `${about.id}-known` }, ...choices) : "";
    const input = kind === "choice" ? html("select", about, ...choices)
      : html("input", { ...about, ...limits, type: kind, list: list ? `${about.id}-known` : null, spellcheck: kind === "text" ? "false" : null });
    input.value = usual;
    this.inputs.set(name, input);
    return html("div", { class: `field${half ? " half" : ""}` }, html("span", { class: "name" }, html("label", { for: about.id }, label)), list, input);
  }

  /** The values of the fields. @returns {Record<string, string>} */
  get values() {
    return Object.fromEntries([...this.inputs].map(([name, input]) => [name, input.value.trim()]));
  }

  /** @param {Record<string, string>} values  those that are known; choices that there are no more stay as they are */
  set values(values) {
    for (const [name, input] of this.inputs) {
      const value = values[name];
      const known = input instanceof HTMLInputElement || [...input.options].some((option) => option.value === value);
      if (typeof value === "string" && known) input.value = value;
    }
    this.suit();
  }

  /** Playing along, there are no turns to be set. */
  suit() {
    const { mode, after } = this.values;
    const turns = mode === "turns";
    const usable = { after: turns, bars: turns && after.startsWith("pause"), at: turns && after.startsWith("pause") };
    for (const [name, on] of Object.entries(usable)) {
      const input = this.inputs.get(name);
      if (input) input.disabled = !on;
    }
  }

  /** @param {boolean} on  while it is played nothing is changed */
  lock(on) {
    for (const set of this.sets) set.disabled = on;
  }

  /** The message that begins to play. */
  get message() {
    const { mode, model, key, meter, tempo, click, after, at, bars, temperature } = this.values;
    const request = { model, meter, temperature: Number(temperature), ...(key ? { key } : {}) };
    const how = { type: "play", request, tempo: Number(tempo), click: click !== "" };
    if (mode === "along") return { ...how, along: true };
    const [what, count] = after.split(" ");
    if (what === "trade") return { ...how, trade: Number(count) };
    return { ...how, pause: Number(count), at, ...(bars ? { bars: Number(bars) } : {}) };
  }
}
