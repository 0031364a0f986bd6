// Certificate, originality and surprise of what is shown, found by the server a moment after the last change.

import * as api from "./api.js";

/** @import {Store} from "./store.js" */
/** @import {Melody} from "./types.js" */

const AFTER = 500; // milliseconds after a change by hand
const AGAIN_AFTER = 4000; // where the corpus is still being read
const AWAY = 10_000; // where the studio did not answer

export class Judging {
  /** @param {Store} store @param {() => void} changed  what is known of a problem has changed */
  constructor(store, changed) {
    this.store = store;
    this.changed = changed;
    this.stop = new AbortController();
    this.timer = 0;
    /** @type {WeakMap<Melody, string>} */
    this.problems = new WeakMap(); // why a melody could not be checked
    /** @type {Melody | null} */
    this.due = null; // that is about to be judged
  }

  /** Why the melody that is shown is not judged; empty where it is, or will be soon. */
  get problem() {
    return this.problems.get(this.store.take.melody) ?? "";
  }

  /** Judge what is shown, unless it is known, or was tried already. @param {boolean} again  whether to try again */
  look(again = false) {
    const { store } = this;
    const { melody, request, originality } = store.take;
    const known = (originality && !originality.pending) || !melody.notes.length || store.pending;
    if (!again && !known && this.due === melody) return;
    this.stop.abort();
    clearTimeout(this.timer);
    this.due = null;
    if (known || (this.problems.has(melody) && !again)) return;
    if (this.problems.delete(melody)) this.changed();
    this.due = melody;
    this.stop = new AbortController();
    const { signal } = this.stop;
    const { id } = store.item;
    this.timer = setTimeout(async () => {
      try {
        const { certificate, originality, surprise } = await api.judge(melody, request, signal);
        this.due = null;
        await store.learn(id, melody, { certificate, originality, surprise });
        if (originality.pending) this.timer = setTimeout(() => this.look(true), AGAIN_AFTER);
      } catch (error) {
        if (signal.aborted) return;
        this.due = null;
        this.problems.set(melody, /** @type {Error} */ (error).message);
        this.changed();
        if (error instanceof api.Away) this.timer = setTimeout(() => this.look(true), AWAY);
      }
    }, again ? 0 : AFTER);
  }
}
