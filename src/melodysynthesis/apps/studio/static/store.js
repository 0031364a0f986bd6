// The work and its history. What is kept survives a reload; a damaged memory is forgotten, not shown.

/** @import {Manner, Take, Work} from "./types.js" */

const KEY = "melodysynthesis-studio-1";
const LONGEST = 200;

/** @type {Manner} */
const USUAL = { tempo: 110, loop: false, click: false, backing: false, grid: 12, theme: "", live: {} };

export class Store {
  /** @param {Work} work  to begin with where nothing is kept */
  constructor(work) {
    const kept = read();
    /** @type {Work} */
    this.work = kept?.work ?? work;
    /** @type {Work | null} */
    this.pending = null; // what is being written, shown in place of the work until it is whole
    /** @type {Manner} */
    this.manner = { ...USUAL, ...kept?.manner };
    /** @type {Record<string, any>} */
    this.fields = kept?.fields ?? {};
    /** @type {Work[]} */
    this.past = [];
    /** @type {Work[]} */
    this.future = [];
    /** @type {Set<() => void>} */
    this.listeners = new Set();
  }

  get front() {
    return this.pending ?? this.work;
  }

  /** @returns {Take} */
  get take() {
    return this.front.takes[this.front.current];
  }

  /** Call after every change. @param {() => void} listener */
  listen(listener) {
    this.listeners.add(listener);
  }

  /** New work, which can be undone. @param {Work} work */
  put(work) {
    this.past = [...this.past, this.work].slice(-LONGEST);
    this.future = [];
    this.show(work);
  }

  /** The same work with something known of it, or another take in front: nothing to undo. @param {Work} work */
  show(work) {
    if (this.pending) this.pending = work;
    else this.work = work;
    this.tell();
  }

  /** The current take with something changed. @param {Partial<Take>} change @param {boolean} undoable */
  change(change, undoable = true) {
    const takes = this.work.takes.map((take, at) => (at === this.work.current ? { ...take, ...change } : take));
    if (undoable) this.put({ ...this.work, takes });
    else this.show({ ...this.work, takes });
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.future.push(this.work);
    this.show(before);
  }

  redo() {
    const after = this.future.pop();
    if (!after) return;
    this.past.push(this.work);
    this.show(after);
  }

  /** @param {Partial<Manner>} manner */
  play(manner) {
    this.manner = { ...this.manner, ...manner };
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener();
    this.keep();
  }

  keep() {
    const { work, manner, fields } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ work, manner, fields }));
    } catch {
      // a full or forbidden memory: the page works on without it
    }
  }
}

/** @returns {{work: Work, manner: Partial<Manner>, fields: Record<string, any>} | null} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return kept?.work.takes[kept.work.current].melody.notes ? kept : null;
  } catch {
    return null;
  }
}
