// The piano roll: notes as bars over pitch and time, drawn and changed by pointer and keys.

import { html, svg } from "./dom.js";
import { QUARTER, barsOf, beatOf, lengthName, pitchClass, pitchName, placeName, withNote, withoutNote } from "./melody.js";

/** @import {Bar, Melody, Note} from "./types.js" */

const ROW = 11;
const RULER = 22;
const EDGE = 7;
const BLACK = [1, 3, 6, 8, 10];
const WIDEST = 34; // pixels of a quarter
const NARROWEST = 15;
const LANE = 40; // height of the lane of surprise
const MOST_BITS = 8;

/**
 * @typedef {object} Hands  what the roll tells
 * @property {(melody: Melody) => void} changed  once for each gesture
 * @property {(pitch: number) => void} heard
 * @property {(note: number | null) => void} selected
 * @property {(bars: [number, number] | null) => void} chosen
 * @property {(text: string) => void} said  for people who listen to the page
 */

export class Roll {
  /** @param {HTMLElement} place @param {Hands} hands */
  constructor(place, hands) {
    this.hands = hands;
    this.grid = 12;
    /** @type {Melody | null} */
    this.melody = null;
    /** @type {number | null} */
    this.selected = null;
    /** @type {[number, number] | null} */
    this.bars = null;
    this.draft = false;
    /** @type {number[] | null} */
    this.surprise = null;
    /** @type {SVGRectElement[]} */
    this.rects = [];
    this.keys = svg("svg", { class: "keys", width: 44, "aria-hidden": "true" });
    this.picture = svg("svg", {});
    this.area = html("div", {
      class: "field-of-notes", tabindex: 0, role: "application", "aria-label": "Notes", "aria-describedby": "roll-keys",
    }, this.picture);
    const keys = "Left and right choose a note. Up and down move it by a semitone, with shift by an octave. With alt, left and " +
      "right move it in time; with shift they shorten and lengthen it. Insert or N adds a note, delete removes it.";
    place.append(this.keys, this.area, html("p", { id: "roll-keys", class: "unseen" }, keys));
    this.picture.addEventListener("pointerdown", (event) => this.press(event));
    this.picture.addEventListener("dblclick", (event) => this.remove(this.numberOf(event.target)));
    this.picture.addEventListener("contextmenu", (event) => event.preventDefault());
    this.area.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.melody && this.draw()).observe(place);
  }

  /**
   * @param {Melody} melody
   * @param {boolean} draft  still being generated
   * @param {number[] | null} surprise  bits of each note under the model
   */
  show(melody, draft = false, surprise = null) {
    if (this.melody === melody && this.draft === draft && this.surprise === surprise) return;
    this.melody = melody;
    this.draft = draft;
    this.surprise = surprise;
    if (this.selected !== null && this.selected >= melody.notes.length) this.select(null);
    this.draw();
  }

  /** @param {[number, number] | null} bars  first and last chosen */
  choose(bars) {
    this.bars = bars;
    this.draw();
  }

  draw() {
    const { melody } = this;
    if (!melody) return;
    const bars = barsOf(melody);
    const heights = melody.notes.map((note) => note[2]);
    this.top = Math.max(79, ...heights.map((pitch) => pitch + 2));
    this.bottom = Math.min(57, ...heights.map((pitch) => pitch - 2));
    const rows = this.top - this.bottom + 1;
    const room = Math.max(this.area.clientWidth, 200);
    this.scale = Math.min(WIDEST * 2, Math.max(NARROWEST, ((room - 2) * QUARTER) / melody.duration)) / QUARTER;
    const [width, height] = [Math.ceil(melody.duration * this.scale) + 1, RULER + rows * ROW + LANE];
    for (const picture of [this.picture, this.keys]) picture.setAttribute("height", String(height));
    this.picture.setAttribute("width", String(width));
    this.keys.replaceChildren(...this.keyboard(), ...this.laneName(height));
    this.rects = melody.notes.map((note, number) => this.rectOf(note, number));
    this.head = svg("line", { class: "head", y1: 0, y2: height, x1: -9, x2: -9 });
    this.picture.replaceChildren(
      ...this.rowsOf(width), ...this.linesOf(bars, height), ...this.rulerOf(bars, height),
      ...(melody.notes.length ? [] : [svg("text", { class: "hint", x: 18, y: RULER + 60 }, "Draw notes here, or let a model write some.")]),
      ...this.rects.flatMap((rect) => [rect, this.edgeOf(rect)]), ...this.laneOf(width, height), this.head,
    );
  }

  keyboard() {
    const keys = [];
    for (let pitch = this.bottom ?? 0; pitch <= (this.top ?? 0); pitch += 1) {
      const black = BLACK.includes(pitch % 12);
      keys.push(svg("rect", { class: black ? "black" : "white", x: 0, y: this.y(pitch), width: black ? 26 : 44, height: ROW }));
      if (pitch % 12 === 0) keys.push(svg("text", { class: "octave", x: 28, y: this.y(pitch) + 9 }, `C${pitch / 12 - 1}`));
    }
    return keys;
  }

  /** @param {number} width */
  rowsOf(width) {
    const tonic = this.melody?.key ? pitchClass(this.melody.key.tonic) : -1;
    const rows = [];
    for (let pitch = this.bottom ?? 0; pitch <= (this.top ?? 0); pitch += 1) {
      const kind = pitch % 12 === tonic ? " tonic" : BLACK.includes(pitch % 12) ? " dark" : "";
      if (kind) rows.push(svg("rect", { class: `row${kind}`, x: 0, y: this.y(pitch), width, height: ROW }));
    }
    return rows;
  }

  /** @param {Bar[]} bars @param {number} height */
  linesOf(bars, height) {
    const lines = [];
    for (const bar of bars) {
      const beat = beatOf(bar);
      for (let tick = bar.end; tick > bar.start; tick -= beat) {
        const x = this.x(tick);
        lines.push(svg("line", { class: tick === bar.end ? "barline" : "beat", x1: x, x2: x, y1: RULER, y2: height }));
      }
    }
    return lines;
  }

  /** @param {Bar[]} bars @param {number} height */
  rulerOf(bars, height) {
    const parts = [];
    for (const { number, start, end } of bars) {
      const chosen = this.bars && number >= this.bars[0] && number <= this.bars[1];
      const [x, width] = [this.x(start), this.x(end) - this.x(start)];
      parts.push(svg("rect", { class: `bar${chosen ? " chosen" : ""}`, x, y: 0, width, height: RULER, "data-bar": number }));
      if (chosen) parts.push(svg("rect", { class: "column", x, y: RULER, width, height: height - RULER }));
      parts.push(svg("text", { class: "number", x: x + 5, y: 15 }, String(number)));
    }
    for (const tick of this.melody?.phrase_ends ?? []) {
      const x = this.x(tick);
      parts.push(svg("path", { class: "phrase", d: `M${x - 3} 3 L${x} 3 L${x} 11 Z` }, svg("title", {}, "end of a phrase")));
    }
    return parts;
  }

  /** @param {Note} note @param {number} number */
  rectOf([onset, duration, pitch], number) {
    const rect = svg("rect", {
      class: `note${this.draft ? " draft" : ""}${number === this.selected ? " selected" : ""}`, rx: 3, "data-note": number,
      x: this.x(onset), y: this.y(pitch), width: Math.max(3, duration * this.s), height: ROW,
    });
    rect.append(svg("title", {}, this.describe(number)));
    return rect;
  }

  /** @param {SVGRectElement} rect */
  edgeOf(rect) {
    const [x, width] = [rect.x.baseVal.value, rect.width.baseVal.value];
    const wide = Math.min(EDGE, width / 3);
    return svg("rect", { class: "edge", x: x + width - wide, y: rect.y.baseVal.value, width: wide + 2, height: ROW, "data-edge": rect.dataset.note });
  }

  /** @param {number} height */
  laneName(height) {
    return [svg("text", { x: 4, y: height - LANE + 14 }, "surprise"), svg("text", { x: 4, y: height - 6 }, "bits")];
  }

  /** How unlikely the model found each note, in bits: a lane under the notes. @param {number} width @param {number} height */
  laneOf(width, height) {
    const lane = svg("rect", { class: "lane", x: 0, y: height - LANE, width, height: LANE });
    if (!this.surprise || this.draft || this.surprise.length !== this.melody?.notes.length) return [lane];
    return [lane, ...this.surprise.map((bits, number) => {
      const [onset, duration] = this.melody?.notes[number] ?? [0, 0];
      const tall = Math.max(1.5, (Math.min(bits, MOST_BITS) / MOST_BITS) * (LANE - 6));
      const bar = svg("rect", { class: "surprise", x: this.x(onset) + 1, y: height - tall, width: Math.max(2, duration * this.s - 2), height: tall });
      bar.append(svg("title", {}, `${bits.toFixed(1)} bits: ${this.describe(number)}`));
      return bar;
    })];
  }

  get s() {
    return this.scale ?? 1;
  }

  /** @param {number} tick */
  x(tick) {
    return tick * this.s;
  }

  /** @param {number} pitch */
  y(pitch) {
    return RULER + ((this.top ?? 0) - pitch) * ROW;
  }

  /** Tick and pitch under the pointer. @param {PointerEvent | MouseEvent} event */
  at(event) {
    const box = this.picture.getBoundingClientRect();
    return {
      tick: (event.clientX - box.left) / this.s,
      pitch: (this.top ?? 0) - Math.floor((event.clientY - box.top - RULER) / ROW),
    };
  }

  /** @param {EventTarget | null} target @returns {number | null} */
  numberOf(target) {
    const data = target instanceof SVGElement ? target.dataset : {};
    const number = data.note ?? data.edge;
    return number === undefined ? null : Number(number);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!this.melody || this.draft || event.button > 1 || !(event.target instanceof SVGElement)) return;
    this.area.focus({ preventScroll: true });
    if (event.target.dataset.bar !== undefined) return this.pressBar(event, Number(event.target.dataset.bar));
    const number = this.numberOf(event.target);
    const begun = this.melody;
    const { tick, pitch } = this.at(event);
    const snapped = Math.max(0, Math.floor(tick / this.grid) * this.grid);
    const lengthens = event.target.dataset.edge !== undefined || number === null;
    if (number === null && pitch < (this.bottom ?? 0)) return;
    const first = /** @type {Note} */ (number === null ? [snapped, this.grid, pitch] : begun.notes[number]);
    if (number === null && event.pointerType === "touch") return this.tap(event, first);
    let changed = number === null ? withNote(begun, first) : { melody: begun, at: number };
    this.hands.heard(first[2]);
    this.preview(changed);
    let sounding = first[2];
    this.drag(event, (moved) => {
      const now = this.at(moved);
      const [onset, duration, height] = first;
      const by = Math.round((now.tick - tick) / this.grid) * this.grid;
      const end = Math.max(onset + this.grid, Math.ceil(now.tick / this.grid) * this.grid);
      const room = begun.duration - duration;
      /** @type {Note} */
      const note = lengthens ? [onset, end - onset, height]
        : [Math.max(0, Math.min(room, onset + by)), duration, height + now.pitch - pitch];
      changed = withNote(begun, note, number);
      if (note[2] !== sounding) this.hands.heard((sounding = note[2]));
      this.preview(changed);
    }, () => {
      if (JSON.stringify(changed.melody.notes) === JSON.stringify(begun.notes)) this.show(begun);
      else this.hands.changed(changed.melody);
      this.select(changed.at);
    });
  }

  /** A touch draws where it ends without having scrolled. @param {PointerEvent} event @param {Note} note */
  tap(event, note) {
    this.drag(event, () => {}, (ended) => {
      if (!this.melody || ended.type !== "pointerup") return;
      const { melody, at } = withNote(this.melody, note);
      this.hands.heard(note[2]);
      this.hands.changed(melody);
      this.select(at);
    });
  }

  /** @param {PointerEvent} event @param {number} first */
  pressBar(event, first) {
    const alone = this.bars && this.bars[0] === first && this.bars[1] === first;
    /** @type {[number, number] | null} */
    let chosen = alone ? null : [first, first];
    this.hands.chosen(chosen);
    this.drag(event, (moved) => {
      const over = document.elementFromPoint(moved.clientX, moved.clientY);
      const bar = over instanceof SVGElement ? over.dataset.bar : undefined;
      if (bar === undefined || !chosen) return;
      chosen = [Math.min(first, Number(bar)), Math.max(first, Number(bar))];
      this.hands.chosen(chosen);
    }, () => {});
  }

  /** @param {PointerEvent} event @param {(event: PointerEvent) => void} move @param {(event: PointerEvent) => void} end */
  drag(event, move, end) {
    const stop = new AbortController();
    const { pointerId } = event;
    for (const name of /** @type {const} */ (["pointermove", "pointerup", "pointercancel"])) {
      window.addEventListener(name, (next) => {
        if (next.pointerId !== pointerId) return;
        if (name === "pointermove") return move(next);
        stop.abort();
        end(next);
      }, { signal: stop.signal });
    }
  }

  /** @param {{melody: Melody, at: number}} changed */
  preview({ melody, at }) {
    this.melody = melody;
    this.surprise = null;
    this.selected = at;
    this.draw();
  }

  /** @param {number | null} number */
  select(number) {
    this.selected = number;
    this.rects.forEach((rect, other) => rect.classList.toggle("selected", other === number));
    this.hands.selected(number);
    if (number === null) return;
    const x = this.x(this.melody?.notes[number]?.[0] ?? 0);
    const { scrollLeft, clientWidth } = this.area;
    if (x < scrollLeft || x > scrollLeft + clientWidth - 20) this.area.scrollLeft = x - clientWidth / 3;
  }

  /** @param {number} number */
  describe(number) {
    const note = this.melody?.notes[number];
    if (!this.melody || !note) return "";
    const [onset, duration, pitch] = note;
    return `${pitchName(pitch, this.melody.key)}, bar and beat ${placeName(this.melody, onset)}, ${lengthName(duration)} quarters`;
  }

  /** @param {number | null} number */
  remove(number) {
    if (number === null || !this.melody || this.draft) return;
    const left = this.melody.notes.length - 1;
    this.hands.changed(withoutNote(this.melody, number));
    this.select(left ? Math.min(number, left - 1) : null);
    this.hands.said("removed");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.melody || this.draft || event.ctrlKey || event.metaKey) return;
    const { key, shiftKey: shift, altKey: alt } = event;
    const { notes, duration: whole } = this.melody;
    const number = this.selected;
    const note = number === null ? undefined : notes[number];
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const upwards = { ArrowUp: 1, ArrowDown: -1 }[key];
    if (sideways && !shift && !alt) {
      const next = number === null ? 0 : Math.max(0, Math.min(notes.length - 1, number + sideways));
      if (notes.length) this.pick(next);
    } else if (key === "Insert" || key === "n" || key === "N") {
      const onset = note ? note[0] + note[1] : 0;
      if (onset < whole) this.put([onset, this.grid, note ? note[2] : 67], null);
    } else if (note && (key === "Delete" || key === "Backspace")) this.remove(number);
    else if (note && upwards) this.put([note[0], note[1], note[2] + upwards * (shift ? 12 : 1)], number);
    else if (note && sideways && alt) this.put([Math.min(whole - note[1], Math.max(0, note[0] + sideways * this.grid)), note[1], note[2]], number);
    else if (note && sideways) this.put([note[0], Math.max(this.grid, note[1] + sideways * this.grid), note[2]], number);
    else if (key === "Escape") this.select(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} number */
  pick(number) {
    this.select(number);
    this.hands.heard(this.melody?.notes[number][2] ?? 60);
    this.hands.said(this.describe(number));
  }

  /** @param {Note} note @param {number | null} replaced */
  put(note, replaced) {
    if (!this.melody) return;
    const { melody, at } = withNote(this.melody, note, replaced);
    this.hands.changed(melody);
    this.pick(at);
  }

  /** Where the playback is; null for nowhere. @param {number | null} tick @param {number | null} sounding */
  follow(tick, sounding) {
    const x = tick === null ? -9 : this.x(tick);
    this.head?.setAttribute("x1", String(x));
    this.head?.setAttribute("x2", String(x));
    this.rects.forEach((rect, number) => rect.classList.toggle("sounding", number === sounding));
    if (tick === null) return;
    const { scrollLeft, clientWidth } = this.area;
    if (x < scrollLeft || x > scrollLeft + clientWidth - 30) this.area.scrollLeft = x - 30;
  }
}
