// One request through every model: their scores below one another, with the bits of each note under it.

import * as api from "./api.js";
import { html } from "./dom.js";
import { Score } from "./score.js";

/** @import {Model, Request, Take} from "./types.js" */

/**
 * @typedef {object} Row
 * @property {Model} model
 * @property {HTMLElement} card
 * @property {HTMLElement} told
 * @property {HTMLButtonElement} play
 * @property {HTMLButtonElement} open
 * @property {Score} score
 * @property {Take | null} take
 */

/**
 * @typedef {object} Hands
 * @property {(take: Take) => void} opened
 * @property {(take: Take) => void} played
 */

export class Compare {
  /** @param {HTMLElement} place @param {Model[]} models @param {Hands} hands */
  constructor(place, models, hands) {
    this.hands = hands;
    this.rows = models.map((model) => this.row(model));
    /** @type {Row | null} */
    this.sounding = null;
    /** @type {Row | null} */
    this.last = null;
    place.append(...this.rows.map((row) => row.card));
  }

  /** @param {Model} model @returns {Row} */
  row(model) {
    const title = html("h2", {}, model.name);
    const told = html("span", { class: "told" }, about(model));
    const play = html("button", { type: "button", disabled: true, "aria-label": `Play the melody of ${model.name}` }, "Play");
    const open = html("button", { type: "button", disabled: true, "aria-label": `Compose with the melody of ${model.name}` }, "Compose with it");
    const place = html("div", { class: "score", role: "img", "aria-label": `Score of ${model.name}` });
    const card = html("section", { class: "card", "aria-label": model.name }, html("div", { class: "toolbar" }, title, told, play, open), place);
    /** @type {Row} */
    const row = { model, card, told, play, open, take: null, score: new Score(place, () => {}) };
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
   * Have every model write a melody. One that can't says why; the others go on.
   * @param {Request} asked  its model and count are not looked at
   * @param {AbortSignal} signal
   */
  async run(asked, signal) {
    this.sounding = null;
    await Promise.all(this.rows.map((row) => this.write(row, { ...asked, model: row.model.name, count: 1 }, signal)));
  }

  /** @param {Row} row @param {Request} request @param {AbortSignal} signal */
  async write(row, request, signal) {
    row.take = null;
    row.told.textContent = "writing …";
    row.play.disabled = row.open.disabled = true;
    /** @type {any} */
    let made = {};
    try {
      await api.generate(request, (message) => {
        if (message.type === "request") made.request = message.request;
        if (message.type === "melody") row.score.show(message.melody);
        if (message.type === "melody" || message.type === "judged") made = { ...made, ...message };
      }, signal);
      const { melody, certificate, originality, surprise } = made;
      row.take = { melody, request: made.request, index: 0, certificate, originality, surprise, edited: false };
      row.score.weigh(surprise);
      row.told.textContent = found(row.take);
      row.play.disabled = row.open.disabled = false;
    } catch (error) {
      row.told.textContent = /** @type {Error} */ (error).message;
    }
  }
}

/** What is known of a model before it writes. @param {Model} model */
function about({ card }) {
  const bits = card.figures["bits per note"];
  const size = card.parameters ? `${card.parameters.toLocaleString("en")} parameters` : "";
  const judged = bits === undefined ? "" : `${bits.toFixed(2)} bits per note on unheard songs`;
  return [card.architecture, size, judged].filter(Boolean).join(" · ");
}

/** What is found of a melody. @param {Take} take */
function found({ melody, certificate, originality, surprise }) {
  const bits = surprise?.length ? `${(surprise.reduce((sum, one) => sum + one, 0) / surprise.length).toFixed(2)} bits per note` : "";
  const run = originality && !originality.unknown ? `${originality.rhythm.longest_run} notes in a row from a known tune` : "";
  const kept = certificate?.verdict === "kept" ? "every rule kept" : certificate?.verdict ?? "";
  return [`${melody.notes.length} notes`, bits, kept, run].filter(Boolean).join(" · ");
}
