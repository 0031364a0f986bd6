// One request through every model and baseline: their scores, with the bits of each note under it, and their figures.

import * as api from "./api.js";
import { table } from "./descriptor-table.js";
import { html } from "./dom.js";
import { Score } from "./score.js";

/** @import {Model, People, Request, Take} from "./types.js" */

/**
 * @typedef {object} Row
 * @property {Model} model
 * @property {HTMLElement} card
 * @property {HTMLElement} told
 * @property {HTMLButtonElement} play
 * @property {HTMLButtonElement} open
 * @property {Score} score
 * @property {Take | null} take
 * @property {Record<string, number> | null} descriptors
 */

/**
 * @typedef {object} Hands
 * @property {(take: Take) => void} opened
 * @property {(take: Take) => void} played
 * @property {(error: unknown) => void} failed  a model could not write
 */

export class Compare {
  /**
   * @param {HTMLElement} place  for the scores
   * @param {HTMLElement} beside  for the figures
   * @param {Model[]} models
   * @param {Hands} hands
   */
  constructor(place, beside, models, hands) {
    this.hands = hands;
    this.beside = beside;
    this.rows = models.map((model) => this.row(model));
    /** @type {Record<string, People>} */
    this.people = {};
    this.corpus = html("select", { "aria-label": "Corpus of people’s melodies" });
    this.corpus.addEventListener("change", () => this.showFigures());
    /** @type {Row | null} */
    this.sounding = null;
    /** @type {Row | null} */
    this.last = null;
    this.stop = new AbortController();
    place.append(...this.rows.map((row) => row.card));
  }

  /** @param {Model} model @returns {Row} */
  row(model) {
    const title = html("h2", {}, model.name, ...(model.baseline ? [" ", html("small", {}, "baseline")] : []));
    const told = html("span", { class: "told" }, about(model));
    const play = html("button", { type: "button", disabled: true, "aria-label": `Play the melody of ${model.name}` }, "Play");
    const open = html("button", { type: "button", disabled: true, "aria-label": `Compose with the melody of ${model.name}` }, "Compose with it");
    const place = html("div", { class: "score", role: "img", "aria-label": `Score of ${model.name}` });
    const card = html("section", { class: "card", "aria-label": model.name }, html("div", { class: "toolbar" }, title, told, play, open), place);
    /** @type {Row} */
    const row = { model, card, told, play, open, take: null, descriptors: null, score: new Score(place, () => {}) };
    play.addEventListener("click", () => this.play(row));
    open.addEventListener("click", () => row.take && this.hands.opened(row.take));
    return row;
  }

  /** Play a row; without one the row that was played last, or the first. @param {Row | undefined} row */
  play(row = this.last ?? this.rows.find((one) => one.take)) {
    this.last = this.sounding = row ?? null;
    if (row?.take) this.hands.played(row.take);
  }

  /**
   * Have every model write a melody; baselines go on by themselves. One that can't says why; the others go on.
   * @param {Request} asked  its model and count are not looked at
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>}  whether a model could not
   */
  async run(asked, signal) {
    this.sounding = null;
    this.stop.abort();
    const stop = (this.stop = new AbortController());
    signal.addEventListener("abort", () => stop.abort());
    if (!this.corpus.options.length) await this.meet();
    const written = this.rows.map((row) => this.write(row, { ...asked, model: row.model.name, count: 1 }, stop.signal));
    const whole = await Promise.all(written.filter((_, number) => !this.rows[number].model.baseline));
    return whole.includes(false);
  }

  /** Learn where people's melodies lie; at first those of the corpus of the first model are shown. */
  async meet() {
    this.people = await api.people();
    const first = this.rows[0]?.model.card.corpus;
    this.corpus.append(...Object.keys(this.people).map((name) => html("option", { value: name, selected: name === first }, name)));
  }

  /** The melodies that are there, compared with human ones. */
  showFigures() {
    const people = this.people[this.corpus.value];
    const melodies = this.rows.flatMap(({ model: { name }, descriptors }) => (descriptors ? [{ name, descriptors }] : []));
    const label = html("label", {}, "People: ", this.corpus);
    const told = html("p", {}, label, ` ${people?.tunes.toLocaleString("en")} tunes that no model was trained on; of each descriptor the band in which 95 % of them lie. ↑ and ↓ are outside.`);
    const scroll = html("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Table of descriptors" });
    if (people) scroll.append(table(melodies, people));
    this.beside.replaceChildren(told, scroll);
  }

  /** @param {Row} row @param {Request} request @param {AbortSignal} signal */
  async write(row, request, signal) {
    row.take = row.descriptors = null;
    row.told.textContent = "writing …";
    row.told.classList.remove("mistake");
    row.score.clear();
    row.play.disabled = row.open.disabled = true;
    /** @type {any} */
    let made = {};
    try {
      await api.generate(request, (message) => {
        if (message.type === "request") made.request = message.request;
        if (message.type === "waiting") row.told.textContent = `${message.message} Some twenty seconds, this once.`;
        if (message.type === "melody") {
          row.score.show(message.melody);
          row.told.textContent = "judging …";
        }
        if (message.type === "melody" || message.type === "judged") made = { ...made, ...message };
      }, signal);
      const { melody, certificate, originality, surprise, descriptors } = made;
      row.take = { melody, request: made.request, index: 0, certificate, originality, surprise, edited: false };
      row.score.weigh(surprise);
      row.descriptors = descriptors;
      row.told.textContent = found(row.take);
      this.showFigures();
      row.play.disabled = row.open.disabled = false;
      return true;
    } catch (error) {
      row.told.textContent = signal.aborted ? "stopped" : /** @type {Error} */ (error).message;
      row.told.classList.toggle("mistake", !signal.aborted);
      if (!signal.aborted) this.hands.failed(error);
      this.showFigures();
      return signal.aborted;
    }
  }
}

/** What is known of a model before it writes. @param {Model} model */
export function about({ card }) {
  const bits = card.figures["test bits per note"] ?? card.figures["validation bits per note"] ?? card.figures["bits per note"];
  const size = card.parameters ? `${card.parameters.toLocaleString("en")} parameters` : "";
  const judged = bits === undefined ? "" : `${bits.toFixed(2)} bits per note on songs it was not trained on`;
  return [card.architecture, size, judged].filter(Boolean).join(" · ");
}

/** What is found of a melody. @param {Take} take */
function found({ melody, certificate, originality, surprise }) {
  const bits = surprise?.length ? `${(surprise.reduce((sum, one) => sum + one, 0) / surprise.length).toFixed(2)} bits per note` : "";
  const run = originality && !originality.unknown ? `${originality.rhythm.longest_run} notes in a row from a known tune` : "";
  const kept = certificate?.verdict === "kept" ? "every rule kept" : certificate?.verdict ?? "";
  return [`${melody.notes.length} notes`, bits, kept, run].filter(Boolean).join(" · ");
}
