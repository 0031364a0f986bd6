// A drawn keyboard, played by mouse, fingers, or the computer's keys.

import { svg } from "./dom.js";
import { pitchName } from "./theory.js";

const ROWS = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];
const BLACK = [1, 3, 6, 8, 10];
const WHITE = 40;
const HEIGHT = 150;
const LOWEST = 24;
const HIGHEST = 96;
const VELOCITY = 84;

/**
 * @typedef {object} Hands  what the keyboard tells, and when, in milliseconds as of performance.now()
 * @property {(pitch: number, velocity: number, stamp: number) => void} down
 * @property {(pitch: number, stamp: number) => void} up
 * @property {(lowest: number) => void} moved  to another octave
 */

export class Keyboard {
  /** @param {HTMLElement} place @param {Hands} hands */
  constructor(place, hands) {
    this.hands = hands;
    this.lowest = 60;
    this.octaves = 2;
    /** @type {Map<string, number>} */
    this.held = new Map(); // pitch that each key of the computer, or finger, holds down
    /** @type {Map<number, SVGElement>} */
    this.keys = new Map();
    /** @type {Map<string, string>} */
    this.letters = new Map(ROWS.map((code) => [code, code === "Semicolon" ? ";" : code.slice(3)]));
    this.picture = svg("svg", { class: "keyboard", role: "img" });
    place.append(this.picture);
    this.picture.addEventListener("pointerdown", (event) => this.press(event));
    this.picture.addEventListener("pointermove", (event) => this.glide(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.picture.addEventListener(name, (event) => this.let(`finger ${/** @type {PointerEvent} */ (event).pointerId}`, event.timeStamp));
    }
    this.picture.addEventListener("contextmenu", (event) => event.preventDefault());
    new ResizeObserver(() => this.fit(place.clientWidth)).observe(place);
    this.draw();
    void this.spell();
  }

  /** Letters as they are printed on this computer's keys, where the browser tells. */
  async spell() {
    const layout = await /** @type {any} */ (navigator).keyboard?.getLayoutMap().catch(() => null);
    if (!layout) return;
    for (const code of ROWS) this.letters.set(code, (layout.get(code) ?? this.letters.get(code)).toUpperCase());
    this.draw();
  }

  /** One octave where there is no room for two. @param {number} width */
  fit(width) {
    const octaves = width > 0 && width < 520 ? 1 : 2;
    if (octaves === this.octaves) return;
    this.octaves = octaves;
    this.draw();
  }

  get highest() {
    return this.lowest + 12 * this.octaves;
  }

  /** @param {1 | -1} octaves */
  shift(octaves) {
    const lowest = this.lowest + 12 * octaves;
    if (lowest < LOWEST || lowest > HIGHEST) return;
    this.release(performance.now());
    this.lowest = lowest;
    this.draw();
    this.hands.moved(lowest);
  }

  draw() {
    const { lowest, highest } = this;
    this.keys.clear();
    const pitches = Array.from({ length: highest - lowest + 1 }, (_, n) => lowest + n);
    const whites = pitches.filter((pitch) => !BLACK.includes(pitch % 12));
    const label = `Keyboard, ${pitchName(lowest, null)} to ${pitchName(highest, null)}`;
    const letterOf = (/** @type {number} */ pitch) => this.letters.get(ROWS[pitch - lowest]) ?? "";
    const key = (/** @type {number} */ pitch, /** @type {number} */ x, /** @type {number} */ width, /** @type {number} */ height) => {
      const dark = BLACK.includes(pitch % 12);
      const rect = svg("rect", { x, y: 0, width, height, rx: 4 });
      const letter = svg("text", { x: x + width / 2, y: height - 12, class: "letter" }, letterOf(pitch));
      const octave = pitch % 12 === 0 ? svg("text", { x: x + width / 2, y: height - 30, class: "octave" }, pitchName(pitch, null)) : "";
      const group = svg("g", { class: `key ${dark ? "black" : "white"}`, "data-pitch": pitch }, rect, letter, octave);
      this.keys.set(pitch, group);
      return group;
    };
    const drawn = whites.map((pitch, n) => key(pitch, n * WHITE + 1, WHITE - 2, HEIGHT));
    whites.forEach((pitch, n) => {
      if (BLACK.includes((pitch + 1) % 12) && pitch < highest) drawn.push(key(pitch + 1, (n + 1) * WHITE - 13, 26, HEIGHT * 0.62));
    });
    this.picture.setAttribute("viewBox", `0 0 ${whites.length * WHITE} ${HEIGHT + 4}`);
    this.picture.setAttribute("aria-label", label);
    this.picture.replaceChildren(...drawn);
  }

  /** Show which keys are played. @param {{who: "yours" | "model", pitch: number}[]} sounding */
  light(sounding) {
    for (const [pitch, key] of this.keys) {
      for (const who of /** @type {const} */ (["yours", "model"])) {
        key.classList.toggle(who, sounding.some((one) => one.pitch === pitch && one.who === who));
      }
    }
  }

  /** A key of the computer goes down; whether it is one that plays. @param {KeyboardEvent} event */
  keydown(event) {
    const at = ROWS.indexOf(event.code);
    if (event.code === "KeyZ" || event.code === "KeyX") {
      if (!event.repeat) this.shift(event.code === "KeyX" ? 1 : -1);
      return true;
    }
    if (at < 0) return false;
    if (!event.repeat) this.hold(event.code, this.lowest + at, event.timeStamp);
    return true;
  }

  /** @param {KeyboardEvent} event */
  keyup(event) {
    this.let(event.code, event.timeStamp);
  }

  /** @param {PointerEvent} event */
  press(event) {
    const pitch = pitchAt(event);
    if (pitch === null || event.button > 0) return;
    event.preventDefault();
    this.picture.setPointerCapture(event.pointerId);
    this.hold(`finger ${event.pointerId}`, pitch, event.timeStamp);
  }

  /** From key to key with a finger down. @param {PointerEvent} event */
  glide(event) {
    const finger = `finger ${event.pointerId}`;
    const pitch = this.held.has(finger) ? pitchAt(event) : null;
    if (pitch === null || pitch === this.held.get(finger)) return;
    this.let(finger, event.timeStamp);
    this.hold(finger, pitch, event.timeStamp);
  }

  /** @param {string} by @param {number} pitch @param {number} stamp */
  hold(by, pitch, stamp) {
    this.held.set(by, pitch);
    this.hands.down(pitch, VELOCITY, stamp);
  }

  /** @param {string} by @param {number} stamp */
  let(by, stamp) {
    const pitch = this.held.get(by);
    this.held.delete(by);
    if (pitch !== undefined && ![...this.held.values()].includes(pitch)) this.hands.up(pitch, stamp);
  }

  /** All keys up, as when the window is left: their going up would not be seen. @param {number} stamp */
  release(stamp) {
    for (const by of [...this.held.keys()]) this.let(by, stamp);
  }
}

/** @param {PointerEvent} event */
function pitchAt(event) {
  const key = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-pitch]");
  return key instanceof SVGElement ? Number(key.dataset.pitch) : null;
}
