// The piano roll: notes as bars over pitch and time, drawn and changed by pointer and keys.

import { html, svg } from "./dom.js";
import { QUARTER, barsOf, beatsOf, lengthName, placeName, roomAfter, withNote, withoutNote } from "./melody.js";
import { drawPlan } from "./plan.js";
import { pitchClass, pitchName, scaleStep } from "./theory.js";

/** @import {Plan, Spot} from "./plan.js" */
/** @import {Bar, Melody, Note} from "./types.js" */

const ROW = 11;
const RULER = 22;
const EDGE = 7;
const BLACK = [1, 3, 6, 8, 10];
const WIDEST = 34; // pixels of a quarter
const NARROWEST = 15;
const LANE = 40; // height of the lane of surprise
const MOST_BITS = 8;
const CHORDS = 17; // height of the lane of chords
const DOUBLE = 400; // milliseconds between the presses of a double click

/**
 * @typedef {object} Hands  what the roll tells
 * @property {(melody: Melody, what: string) => void} changed  once for each gesture; what was done
 * @property {(pitch: number) => void} heard
 * @property {(note: number | null) => void} selected
 * @property {(bars: [number, number] | null) => void} chosen
 * @property {(text: string) => void} said  for people who listen to the page
 * @property {(error: Error) => void} refused  why something can't be done
 * @property {(tick: number) => void} sought  where playing is to go on
 * @property {(line: Spot[]) => void} ruled  where a rule was drawn: a place, or a line
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
    this.pen = ""; // the rule that is drawn; empty for notes
    /** @type {Plan | null} */
    this.plan = null; // rules that hold where
    /** @type {number[] | null} */
    this.surprise = null;
    /** @type {SVGRectElement[]} */
    this.rects = [];
    /** @type {{start: number, end: number, name: string}[]} */
    this.chords = [];
    /** @type {{top: number, bottom: number} | null} */
    this.frozen = null; // the pitches that are seen while a note is dragged
    /** @type {{note: number, at: number} | null} */
    this.pressed = null; // the note that was pressed last, and when
    this.keys = svg("svg", { class: "keys", width: 44, "aria-hidden": "true" });
    this.picture = svg("svg", {});
    this.area = html("div", {
      class: "field-of-notes", tabindex: 0, role: "application", "aria-label": "Notes", "aria-describedby": "roll-keys",
    }, this.picture);
    const keys = "Left and right choose a note. Up and down move it by a step of the scale, with alt by a semitone, with shift by an octave. " +
      "With alt, left and right move it in time; with shift they shorten and lengthen it. Insert or N adds a note where there is room, delete removes it. Home and End go to the first and the last note.";
    place.append(this.keys, this.area, html("p", { id: "roll-keys", class: "unseen" }, keys));
    this.picture.addEventListener("pointerdown", (event) => this.press(event));
    this.picture.addEventListener("contextmenu", (event) => event.preventDefault());
    this.area.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.melody && this.draw()).observe(place);
  }

  /**
   * @param {Melody} melody
   * @param {boolean} draft  still being generated
   * @param {number[] | null} surprise  bits of each note under the model
   * @param {{start: number, end: number, name: string}[]} chords
   */
  show(melody, draft = false, surprise = null, chords = []) {
    if (this.melody === melody && this.draft === draft && this.surprise === surprise && this.chords === chords) return;
    this.chords = chords;
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

  /** @param {Plan} plan */
  showPlan(plan) {
    if (JSON.stringify(plan) === JSON.stringify(this.plan)) return;
    this.plan = plan;
    this.draw();
  }

  draw() {
    const { melody } = this;
    if (!melody) return;
    const bars = barsOf(melody);
    const heights = melody.notes.map((note) => note[2]);
    this.top = this.frozen?.top ?? Math.min(127, Math.max(79, ...heights.map((pitch) => pitch + 2)));
    this.bottom = this.frozen?.bottom ?? Math.max(0, Math.min(57, ...heights.map((pitch) => pitch - 2)));
    const rows = this.top - this.bottom + 1;
    const room = Math.max(this.area.clientWidth, 200);
    this.scale = Math.min(WIDEST * 2, Math.max(NARROWEST, ((room - 2) * QUARTER) / melody.duration)) / QUARTER;
    const [width, height] = [Math.ceil(melody.duration * this.scale) + 1, this.ceiling + rows * ROW + LANE];
    for (const picture of [this.picture, this.keys]) picture.setAttribute("height", String(height));
    this.picture.setAttribute("width", String(width));
    this.keys.replaceChildren(...this.keyboard(), ...this.laneName(height));
    this.rects = melody.notes.map((note, number) => this.rectOf(note, number));
    this.head = svg("line", { class: "head", y1: 0, y2: height, x1: -9, x2: -9 });
    this.picture.replaceChildren(
      ...this.rowsOf(width), ...this.linesOf(bars, height), ...this.rulerOf(bars, height),
      ...this.chordsOf(),
      ...(melody.notes.length ? [] : [svg("text", { class: "hint", x: 18, y: this.ceiling + 60 }, "Draw notes here, or let a model write some.")]),
      ...this.rects.flatMap((rect) => [rect, this.edgeOf(rect)]), ...this.wordsOf(), ...this.laneOf(width, height),
      ...(this.plan ? drawPlan(this.plan, (tick) => this.x(tick), (pitch) => this.y(pitch), ROW) : []), this.head,
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
      for (const tick of [bar.end, ...beatsOf(bar).filter((beat) => beat > bar.start)]) {
        const x = this.x(tick);
        lines.push(svg("line", { class: tick === bar.end ? "barline" : "beat", x1: x, x2: x, y1: this.ceiling, y2: height }));
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

  /** A lane of chords under the ruler. */
  chordsOf() {
    return this.chords.flatMap(({ start, end, name }, number) => {
      const [x, width] = [this.x(start), Math.max(1, this.x(end) - this.x(start) - 1)];
      const box = svg("rect", { class: `chord${number % 2 ? " odd" : ""}`, x, y: RULER, width, height: CHORDS });
      return [box, svg("text", { class: "chord-name", x: x + 5, y: RULER + 13 }, name)];
    });
  }

  /** Height of what is above the notes. */
  get ceiling() {
    return RULER + (this.chords.length ? CHORDS : 0);
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

  /** Syllables under their notes. */
  wordsOf() {
    const pitches = new Map(this.melody?.notes.map(([onset, , pitch]) => [onset, pitch]));
    return (this.melody?.lyrics ?? []).flatMap(([tick, text]) => {
      const pitch = pitches.get(tick);
      return pitch === undefined ? [] : [svg("text", { class: "syllable", x: this.x(tick) + 1, y: this.y(pitch) + 2 * ROW - 1 }, text)];
    });
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
    return this.ceiling + ((this.top ?? 0) - pitch) * ROW;
  }

  /** Tick and pitch under the pointer. @param {PointerEvent | MouseEvent} event */
  at(event) {
    const box = this.picture.getBoundingClientRect();
    return {
      tick: (event.clientX - box.left) / this.s,
      pitch: (this.top ?? 0) - Math.floor((event.clientY - box.top - this.ceiling) / ROW),
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
    if (!this.melody || this.draft || event.button === 1 || !(event.target instanceof SVGElement)) return;
    this.area.focus({ preventScroll: true });
    if (event.target.dataset.bar !== undefined) return this.pressBar(event, Number(event.target.dataset.bar));
    if (this.pen) return this.rule(event);
    const number = this.numberOf(event.target);
    if (event.button === 2) return this.remove(number);
    // the picture is drawn again by the first press, so browsers do not tell of a double click on a note
    const again = number !== null && this.pressed?.note === number && event.timeStamp - this.pressed.at < DOUBLE;
    this.pressed = number === null || again ? null : { note: number, at: event.timeStamp };
    if (again) return this.remove(number);
    const begun = this.melody;
    const { tick, pitch } = this.at(event);
    const snapped = Math.max(0, Math.floor(tick / this.grid) * this.grid);
    const lengthens = event.target.dataset.edge !== undefined || number === null;
    if (number === null && (pitch < (this.bottom ?? 0) || pitch > (this.top ?? 127))) return this.hands.sought(tick);
    this.frozen = { top: this.top ?? 127, bottom: this.bottom ?? 0 };
    const first = /** @type {Note} */ (number === null ? [snapped, this.grid, pitch] : begun.notes[number]);
    if (number === null && event.pointerType === "touch") {
      this.frozen = null;
      return this.tap(event, first);
    }
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
        : [Math.max(0, Math.min(room, onset + by)), duration, Math.max(this.frozen?.bottom ?? 0, Math.min(this.frozen?.top ?? 127, height + now.pitch - pitch))];
      if (JSON.stringify(note) !== JSON.stringify(first)) this.pressed = null;
      changed = withNote(begun, note, number);
      if (note[2] !== sounding) this.hands.heard((sounding = note[2]));
      this.preview(changed);
    }, () => {
      this.frozen = null;
      if (JSON.stringify(changed.melody.notes) === JSON.stringify(begun.notes)) {
        this.melody = begun;
        this.draw();
      } else this.hands.changed(changed.melody, number === null ? "a note drawn" : "a note moved");
      this.select(changed.at);
    });
  }

  /** A touch draws where it ends without having scrolled. @param {PointerEvent} event @param {Note} note */
  tap(event, note) {
    this.drag(event, () => {}, (ended) => {
      if (!this.melody || ended.type !== "pointerup") return;
      const { melody, at } = withNote(this.melody, note);
      this.hands.heard(note[2]);
      this.preview({ melody, at });
      this.hands.changed(melody, "a note drawn");
      this.select(at);
    });
  }

  /** A rule is drawn: the places that the pointer goes through. @param {PointerEvent} event */
  rule(event) {
    const place = (/** @type {PointerEvent} */ at) => {
      const { tick, pitch } = this.at(at);
      return { tick: Math.max(0, Math.floor(tick / this.grid) * this.grid), pitch };
    };
    const line = [place(event)];
    this.drag(event, (moved) => line.push(place(moved)), () => this.hands.ruled(line));
  }

  /** @param {PointerEvent} event @param {number} first */
  pressBar(event, first) {
    const alone = this.bars && this.bars[0] === first && this.bars[1] === first;
    /** @type {[number, number] | null} */
    let chosen = alone ? null : [first, first];
    this.hands.chosen(chosen);
    this.hands.sought(this.at(event).tick);
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

  /** @param {{melody: Melody, at: number | null}} changed */
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
    return `${pitchName(pitch, this.melody.key)}, bar and beat ${placeName(this.melody, onset, true)}, ${lengthName(duration)} quarters`;
  }

  /** @param {number | null} number */
  remove(number) {
    if (number === null || !this.melody || this.draft) return;
    const left = this.melody.notes.length - 1;
    const melody = withoutNote(this.melody, number);
    this.preview({ melody, at: left ? Math.min(number, left - 1) : null });
    this.hands.changed(melody, "a note removed");
    this.select(this.selected);
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
      const room = roomAfter(this.melody, note ? note[0] + note[1] : 0, this.grid) ?? roomAfter(this.melody, 0, this.grid);
      if (room) this.put([...room, note ? note[2] : 67], null, "a note added");
      else this.hands.refused(new Error("There is no room for a note: shorten one, or add a bar."));
    } else if (notes.length && (key === "Home" || key === "End")) this.pick(key === "Home" ? 0 : notes.length - 1);
    else if (note && upwards && !shift && !alt) {
      this.put([note[0], note[1], scaleStep(note[2], this.melody.key, /** @type {1 | -1} */ (upwards))], number);
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

  /** @param {Note} note @param {number | null} replaced @param {string} what */
  put(note, replaced, what = "a note changed") {
    if (!this.melody) return;
    const { melody, at } = withNote(this.melody, note, replaced);
    this.preview({ melody, at });
    this.hands.changed(melody, what);
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
