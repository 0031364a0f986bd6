// What the page shows: one item of the library, what is being written for it, and how it is played. All views derive
// from here. A change is saved in the library first and shown then; changes happen one after the other.

import { workFrom } from "./checks.js";

/** @import {Manner, Melody, Take, Work} from "./types.js" */
/** @import {Item, Library, Opened} from "./library.js" */

const KEY = "melodysynthesis-studio-1";
const SHOWN = "melodysynthesis-studio-item";

/** @type {Manner} */
const USUAL = { tempo: 110, loop: false, click: false, backing: false, countin: false, volumes: { melody: 1, chords: 1, click: 1 }, grid: 12, theme: "", live: {}, toured: false };

export class Store {
  /** @param {Library} library @param {Opened} opened @param {any} kept */
  constructor(library, { item, work }, kept) {
    this.library = library;
    this.item = item;
    this.work = work;
    /** @type {Map<string, Work>} */
    this.written = new Map(); // what is being written, by item; shown in place of its work until it is whole
    /** @type {Manner} */
    this.manner = { ...USUAL, ...kept?.manner };
    /** @type {Record<string, any>} */
    this.fields = kept?.fields ?? {};
    this.saving = 0; // changes that are not saved yet
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {(error: Error) => void} */
    this.failed = () => {}; // called with a change that could not be saved
  }

  /** The item that this tab showed last, or the latest; a new one where there is none. @param {Library} library @param {() => Work} blank */
  static async open(library, blank) {
    const kept = read();
    const shown = await library.open(session()?.getItem(SHOWN) ?? "");
    const latest = shown && !shown.item.deleted ? null : (await library.list()).find((item) => !item.deleted);
    const opened = latest === null ? /** @type {Opened} */ (shown) : (latest && (await library.open(latest.id))) ?? (await library.create("Untitled", workBefore(kept) ?? blank(), "new"));
    return new Store(library, opened, kept);
  }

  /** What is being written for the item that is shown. */
  get pending() {
    return this.written.get(this.item.id) ?? null;
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

  // ---- changes that are saved

  /** New work, which can be undone. @param {Work} work @param {string} what  happened @param {string} [id]  of an item that may not be the one shown */
  put(work, what, id = this.item.id) {
    return this.save(() => this.library.step(id, () => work, what), () => id === this.item.id && (this.work = work));
  }

  /** The same work with another of its melodies in front: nothing to undo. @param {number} current */
  bringForward(current) {
    const { pending } = this;
    if (pending) {
      this.written.set(this.item.id, { ...pending, current });
      this.tell();
      return Promise.resolve();
    }
    const { id } = this.item;
    return this.save(() => this.library.amend(id, (work) => ({ ...work, current: Math.min(current, work.takes.length - 1) })));
  }

  /** The current melody with something changed by hand. @param {Partial<Take>} change @param {string} what */
  change(change, what) {
    const { id } = this.item;
    const put = (/** @type {Work} */ work) => ({ ...work, takes: work.takes.map((take, at) => (at === work.current ? { ...take, ...change } : take)) });
    return this.save(() => this.library.step(id, put, what), () => (this.work = put(this.work)));
  }

  /** Something becomes known of a melody; if it has changed meanwhile, nothing. @param {string} id @param {Melody} melody @param {Partial<Take>} known */
  learn(id, melody, known) {
    const text = JSON.stringify(melody);
    const put = (/** @type {Work} */ work) => ({ ...work, takes: work.takes.map((take) => (JSON.stringify(take.melody) === text ? { ...take, ...known } : take)) });
    return this.save(() => this.library.amend(id, put), () => id === this.item.id && (this.work = put(this.work)));
  }

  undo() {
    return this.save(() => this.library.turn(this.item.id, -1));
  }

  redo() {
    return this.save(() => this.library.turn(this.item.id, 1));
  }

  /** @param {string} name */
  rename(name) {
    return this.save(() => this.library.label(this.item.id, { name: name.trim() || "Untitled" }));
  }

  /** A new item, which is shown. @param {string} name @param {Work} work @param {string} what */
  create(name, work, what) {
    return this.save(() => this.library.create(name, work, what), () => Object.assign(this, { work }), true);
  }

  /** Show another item. @param {string} id */
  visit(id) {
    return this.save(async () => (await this.library.open(id)) ?? { item: this.item, work: this.work }, undefined, true);
  }

  /** Another tab has changed an item. @param {string} id */
  changedElsewhere(id) {
    if (id === this.item.id) void this.visit(id);
  }

  /**
   * @param {() => Promise<Opened>} change
   * @param {() => unknown} [unsaved]  shows the change where it could not be saved
   * @param {boolean} [visit]  whether the item is shown from now on
   */
  save(change, unsaved, visit = false) {
    this.saving += 1;
    const done = this.queue.then(async () => {
      try {
        const opened = await change();
        if (visit || opened.item.id === this.item.id) Object.assign(this, keepSame(this, opened));
        if (visit) session()?.setItem(SHOWN, this.item.id);
      } catch (error) {
        unsaved?.();
        this.failed(/** @type {Error} */ (error));
      } finally {
        this.saving -= 1;
        if (!this.saving) this.tell(); // else what comes next is shown with it: a view must not go back to what is changed already
      }
    });
    this.queue = done;
    return done;
  }

  // ---- what is not part of the work

  /** What is being written for an item; null when it is over. @param {string} id @param {Work | null} work */
  write(id, work) {
    if (work) this.written.set(id, work);
    else this.written.delete(id);
  }

  /** @param {Partial<Manner>} manner */
  play(manner) {
    this.manner = { ...this.manner, ...manner };
    this.keep();
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }

  keep() {
    const { manner, fields } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ manner, fields }));
    } catch {
      // a full or forbidden memory: only settings are in it
    }
  }
}

/** Melodies that did not change stay the same objects, so that no view draws them again. @param {Store} store @param {Opened} opened @returns {Opened} */
function keepSame(store, { item, work }) {
  const known = new Map(store.work.takes.map(({ melody }) => [JSON.stringify(melody), melody]));
  return { item, work: { ...work, takes: work.takes.map((take) => ({ ...take, melody: known.get(JSON.stringify(take.melody)) ?? take.melody })) } };
}

/** The work of a studio that had no library yet. @param {any} kept @returns {Work | null} */
function workBefore(kept) {
  try {
    return kept?.work ? workFrom(kept.work) : null;
  } catch {
    return null;
  }
}

function session() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** @returns {any} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}
