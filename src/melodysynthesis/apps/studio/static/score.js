// The engraved score: drawn by the server, put into the page, and lit up as the melody is played.

import * as api from "./api.js";
import { html, svg } from "./dom.js";

/** @import {Melody} from "./types.js" */

const BELOW = 330; // in the picture's own units, of which a staff is 720 high
const BIT = 62;
const MOST_BITS = 8;
const PATIENCE = 120; // milliseconds without a change before it is engraved again

export class Score {
  /** @param {HTMLElement} place @param {(note: number) => void} pressed */
  constructor(place, pressed) {
    this.place = place;
    /** @type {Element[][]} */
    this.elements = [];
    /** @type {Melody | null} */
    this.wanted = null;
    this.timer = 0;
    this.busy = false;
    /** @type {number[] | null} */
    this.bits = null;
    /** @type {number | null} */
    this.selected = null;
    place.addEventListener("click", (event) => {
      const at = this.elements.findIndex((parts) => parts.some((part) => part.contains(/** @type {Node} */ (event.target))));
      if (at >= 0) pressed(at);
    });
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(place.clientWidth - width) > 24 && this.wanted) this.later();
      width = place.clientWidth;
    }).observe(place);
  }

  /** @param {Melody} melody */
  show(melody) {
    if (this.wanted === melody) return;
    this.wanted = melody;
    this.bits = null;
    this.later();
  }

  /** Nothing is written, or no longer. */
  clear() {
    clearTimeout(this.timer);
    this.wanted = this.bits = null;
    this.elements = [];
    this.place.replaceChildren();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.engrave(), PATIENCE);
  }

  async engrave() {
    const melody = this.wanted;
    if (this.busy || !melody) return; // when it is done it looks again
    if (!melody.notes.length) {
      this.elements = [];
      this.place.replaceChildren(html("p", { class: "empty" }, "The score is engraved as soon as there is a note."));
      return;
    }
    this.busy = true;
    try {
      const width = Math.max(300, Math.min(2400, this.place.clientWidth - 20));
      const { svg: picture, notes } = await api.score(melody, width, new AbortController().signal);
      if (this.wanted) this.put(picture, notes);
    } catch (error) {
      this.elements = [];
      this.place.replaceChildren(html("p", { class: "empty" }, /** @type {Error} */ (error).message));
    } finally {
      this.busy = false;
      if (this.wanted !== melody) this.later();
    }
  }

  /** @param {string} text @param {string[][]} notes */
  put(text, notes) {
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    this.place.replaceChildren(document.importNode(parsed, true));
    const named = new Map([...this.place.querySelectorAll("[id]")].map((element) => [element.id, element]));
    this.elements = notes.map((names) => names.flatMap((name) => named.get(name) ?? []));
    this.mark(this.selected);
    if (this.bits) this.weigh(this.bits);
  }

  /** Draw the bits of each note under it: where was the model surprised? @param {number[] | null} bits */
  weigh(bits) {
    this.bits = bits;
    const page = this.place.querySelector(".page-margin");
    page?.querySelectorAll(".surprise").forEach((bar) => bar.remove());
    if (!page || !bits || bits.length !== this.elements.length) return;
    const lowest = new Map();
    bits.forEach((bit, number) => {
      const [head, staff] = [this.elements[number][0]?.querySelector(".notehead"), this.elements[number][0]?.closest(".staff")];
      if (!(head instanceof SVGGraphicsElement) || !staff) return;
      if (!lowest.has(staff)) lowest.set(staff, bottomOf(staff));
      const { x, width } = head.getBBox();
      const bar = svg("rect", { class: "surprise", x, y: lowest.get(staff) + BELOW, width, height: Math.max(20, Math.min(bit, MOST_BITS) * BIT) });
      bar.append(svg("title", {}, `${bit.toFixed(1)} bits`));
      page.append(bar);
    });
  }

  /** @param {number | null} number */
  mark(number) {
    this.selected = number;
    this.light("selected", number);
  }

  /** @param {number | null} number */
  follow(number) {
    this.light("sounding", number);
    const part = number === null ? undefined : this.elements[number]?.[0];
    const [box, room] = [part?.getBoundingClientRect(), this.place.getBoundingClientRect()];
    if (box && (box.top < room.top || box.bottom > room.bottom)) this.place.scrollTop += box.top - room.top - 40;
  }

  /** @param {string} name @param {number | null} number */
  light(name, number) {
    this.elements.forEach((parts, other) => parts.forEach((part) => part.classList.toggle(name, other === number)));
  }
}

/** Where the lowest line of a staff is. @param {Element} staff */
function bottomOf(staff) {
  const lines = [...staff.children].filter((part) => part instanceof SVGGraphicsElement && part.tagName === "path");
  return Math.max(...lines.map((line) => /** @type {SVGGraphicsElement} */ (line).getBBox().y));
}
