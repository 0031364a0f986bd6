// The form of a request: a control for each field, what each promises, and the values that stand in them.

import { html } from "./dom.js";
import { QUARTER } from "./melody.js";

/** @import {Field, Group} from "./fields.js" */
/** @import {Request} from "./types.js" */

const OF_A_MELODY = ["primers", "primer", "within", "rewrite", "held", "rules_for", "prefer"];
const WISH = "encouraged: kept where the other rules allow it. Press to have it guaranteed.";
const LAW = "guaranteed: no melody breaks it. Press to make it a wish.";

export class Controls {
  /**
   * @param {HTMLElement} place
   * @param {Group[]} groups
   * @param {() => void} changed
   * @param {string} [prefix]  of the fields' identities
   */
  constructor(place, groups, changed, prefix = "ask") {
    /** @type {Map<string, {field: Field, input: HTMLInputElement | HTMLSelectElement, promise: HTMLButtonElement | null, row: HTMLElement}>} */
    this.inputs = new Map();
    this.prefix = prefix;
    this.changed = changed;
    /** @type {Record<string, any>} */
    this.others = {}; // fields of a request that was opened which have no control here
    this.otherPlace = html("div", { class: "others" });
    /** @type {Set<string>} */
    this.wishes = new Set(); // rules that need not be kept
    this.explained = html("p", { class: "explained", id: `${prefix}-explained`, hidden: true });
    /** @type {{group: Group, count: HTMLElement}[]} */
    this.counts = [];
    for (const group of groups) this.group(place, group);
    place.append(this.otherPlace);
    place.after(this.explained);
    place.addEventListener("input", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      target.removeAttribute("aria-invalid");
      if (target.closest("[role=search]")) return;
      this.tell();
    });
    place.addEventListener("focusin", ({ target }) => this.explain(/** @type {HTMLElement} */ (target)));
    place.addEventListener("focusout", () => (this.explained.hidden = true));
  }

  tell() {
    const { values } = this;
    for (const { group, count } of this.counts) {
      const set = group.fields.filter(({ name, usual }) => name in values && String(values[name]) !== String(usual)).length;
      count.textContent = set ? `${set} set` : "";
    }
    this.changed();
  }

  /** @param {HTMLElement} place @param {Group} group */
  group(place, { title, fields, folded, open = false, searched }) {
    const rows = fields.map((field) => this.build(field));
    const set = html("fieldset", {}, html("legend", {}, title), ...(searched ? [this.search(rows)] : []), ...rows);
    if (!folded) return void place.append(set);
    const count = html("span", { class: "count" });
    this.counts.push({ group: { title, fields }, count });
    place.append(html("details", { class: "group", open }, html("summary", {}, title, " ", count), set));
  }

  /** A field that leaves only the rows with some words. @param {HTMLElement[]} rows */
  search(rows) {
    const none = html("p", { class: "none", hidden: true }, "No rule has these words.");
    const input = html("input", { type: "search", placeholder: "Search the rules", "aria-label": "Search the rules" });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => row.dataset.words?.includes(word));
      none.hidden = rows.some((row) => !row.hidden);
    });
    return html("div", { class: "field", role: "search" }, input, none);
  }

  /** @param {Field} field */
  build(field) {
    const { name, label, kind, help, known = [], told: names = {}, limits = {} } = field;
    const id = `${this.prefix}-${name}`;
    const example = field.example && field.rule ? ` Example: ${field.example}` : "";
    const about = { id, name, title: help + example, "aria-description": `${field.promise ? `${field.promise}. ` : ""}${help}${example}` };
    const row = html("div", {
      class: `field${field.half ? " half" : ""}${kind === "tick" ? " tick" : ""}`, "data-words": `${name} ${label} ${help}`.toLowerCase(),
    });
    /** @type {HTMLInputElement | HTMLSelectElement} */
    let input;
    if (kind === "choice") {
      input = html("select", about, ...known.map((value) => html("option", { value }, names[value] ?? (value || "any"))));
    } else {
      const type = { text: "text", quarters: "text", number: "number", range: "range", tick: "checkbox" }[kind];
      const list = type === "text" && known.length ? `${id}-known` : null;
      input = html("input", { ...about, type, placeholder: field.example, list, spellcheck: type === "text" ? "false" : null, ...limits });
      if (list) row.append(html("datalist", { id: list }, ...known.map((value) => html("option", { value }))));
    }
    const told = kind === "range" ? html("output", {}) : "";
    if (kind === "range") input.addEventListener("input", () => tell(input, /** @type {HTMLElement} */ (told)));
    const promise = field.rule ? this.promise(field) : null;
    const says = promise ?? (field.promise ? html("span", { class: `promise ${field.promise}` }, field.promise) : "");
    row.append(html("span", { class: "name" }, html("label", { for: id }, label, told ? " " : "", told), says), input);
    this.inputs.set(name, { field, input, promise, row });
    return row;
  }

  /** The button that makes a rule a wish, or a law again. @param {Field} field */
  promise({ name, label }) {
    const button = html("button", { type: "button", class: "promise guaranteed", "aria-pressed": "false", "aria-label": `${label}: a wish`, title: LAW }, "guaranteed");
    button.addEventListener("click", () => {
      if (!this.wishes.delete(name)) this.wishes.add(name);
      this.showWishes();
      this.tell();
    });
    return button;
  }

  showWishes() {
    for (const [name, { promise }] of this.inputs) {
      const wish = this.wishes.has(name);
      if (!promise || promise.getAttribute("aria-pressed") === String(wish)) continue;
      promise.setAttribute("aria-pressed", String(wish));
      promise.className = `promise ${wish ? "encouraged" : "guaranteed"}`;
      promise.textContent = wish ? "encouraged" : "guaranteed";
      promise.title = wish ? WISH : LAW;
    }
  }

  /** What a field means, above the button that sends the form. @param {HTMLElement} target */
  explain(target) {
    const found = [...this.inputs.values()].find(({ input, promise }) => input === target || promise === target);
    this.explained.hidden = !found;
    if (!found) return;
    const { label, help, example, rule } = found.field;
    const more = rule && example ? [" Example: ", html("code", {}, example)] : [];
    this.explained.replaceChildren(html("strong", {}, label), " ", found.promise === target ? `is ${found.promise.title}` : help, ...more);
  }

  /** The values of the fields, empty ones left out. @returns {Record<string, any>} */
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
    const wishes = [...this.wishes].filter((name) => name in values);
    return wishes.length ? { ...values, prefer: wishes.join(" ") } : values;
  }

  /** @param {Record<string, any> | null} values  null for the values at first */
  set values(values) {
    for (const [name, { field, input }] of this.inputs) {
      const value = values ? values[name] : field.usual;
      if (input instanceof HTMLInputElement && field.kind === "tick") input.checked = Boolean(value ?? field.usual);
      else if (input instanceof HTMLSelectElement) {
        if (value && ![...input.options].some((option) => option.value === value)) input.append(html("option", { value }, String(value)));
        input.value = value ?? (name === "model" ? input.options[0].value : "");
      } else if (field.kind === "quarters" && typeof value === "number") input.value = `${value}/${QUARTER}`; // a request says ticks
      else input.value = String(value ?? (field.kind === "range" ? field.usual : ""));
      if (field.kind === "range") input.dispatchEvent(new Event("input"));
    }
    this.wishes = new Set(wishesOf(values?.prefer));
    this.others = othersOf(values ?? {}, [...this.inputs.keys()]);
    this.showWishes();
    this.showOthers();
    this.tell();
  }

  /** Each of the fields without a control, with a button that takes it away. */
  showOthers() {
    this.otherPlace.replaceChildren(...Object.entries(this.others).map(([name, value]) => {
      const button = html("button", { type: "button", title: "Leave it out" }, `${name.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : value} ✕`);
      button.addEventListener("click", () => {
        delete this.others[name];
        this.showOthers();
        this.tell();
      });
      return button;
    }));
  }

  /** Put a value into a field, as if a person had. @param {string} name @param {string} value */
  put(name, value) {
    const found = this.inputs.get(name);
    if (!found) return;
    found.input.value = value;
    const group = found.input.closest("details");
    if (group) group.open = true;
    this.tell();
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
    for (const [name, { input, row }] of this.inputs) {
      const named = new RegExp(`\\b${name}\\b`).test(words);
      if (named) {
        input.setAttribute("aria-invalid", "true");
        row.hidden = false;
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

/** Names of the rules that a request has as wishes. @param {unknown} prefer  a text, or names @returns {string[]} */
export function wishesOf(prefer) {
  const names = Array.isArray(prefer) ? prefer : typeof prefer === "string" ? prefer.split(/[\s,]+/) : [];
  return names.map((name) => String(name).replace(/^--/, "").replaceAll("-", "_")).filter(Boolean);
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

/** The rules of the fields, for melodies whose bars are there. @param {Request} values @returns {Request} */
export function withoutFrame(values) {
  const { meter, meters, pickup, bars, max_steps, title, rank, ...rest } = values;
  return rest;
}

/** Without some fields, and the wishes that they were. @param {Request} values @param {string[]} names @returns {Request} */
export function without(values, names) {
  const left = Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name) && name !== "prefer"));
  const wishes = wishesOf(values.prefer).filter((name) => name in left);
  return wishes.length ? { ...left, prefer: wishes.join(" ") } : left;
}
