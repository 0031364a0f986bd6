// Melodies that are being written. They belong to the item of the library for which they were requested, whatever is shown
// meanwhile; those that are whole when it ends, by itself or by Stop, are kept.

import * as api from "./api.js";
import { silence } from "./melody.js";
import { meterOf } from "./theory.js";

/** @import {Melody, Request, Take, Work} from "./types.js" */
/** @import {Store} from "./store.js" */

/**
 * @typedef {object} Hands
 * @property {(what: unknown) => void} tell  a text, or an error
 * @property {() => void} drawn  a draft has grown
 * @property {(share: number | null) => void} progress  from 0 to 1; null when it is over
 */

/** @param {Melody} melody @param {Partial<Take>} known @returns {Take} */
export const take = (melody, known = {}) => ({
  melody, request: null, index: 0, certificate: null, originality: null, surprise: null, edited: false, ...known,
});

export class Writing {
  /** @param {Store} store @param {Hands} hands */
  constructor(store, hands) {
    this.store = store;
    this.hands = hands;
    /** @type {AbortController | null} */
    this.stopper = null;
  }

  get running() {
    return this.stopper !== null;
  }

  stop() {
    this.stopper?.abort();
  }

  /**
   * Have melodies written; they come into the store as one step that can be undone.
   * @param {Request} asked
   * @param {string} doing  for people
   * @param {number} [current]  which of them is shown at first
   * @returns {Promise<boolean>}  whether there are any
   */
  async run(asked, doing, current = 0) {
    this.stop();
    const { store, hands } = this;
    const stop = (this.stopper = new AbortController());
    const { id, name } = store.item;
    const started = performance.now();
    const count = asked.count ?? 1;
    const basis = asked.within ?? asked.primers?.[0];
    /** @type {Take[]} */
    const takes = [];
    /** @type {Request} */
    let request = asked;
    const shown = store.work.takes[store.work.current].melody;
    store.write(id, { takes: Array.from({ length: count }, () => take(basis ?? blank(asked, shown), { request: asked })), current: Math.min(current, count - 1) });
    hands.tell(doing);
    hands.progress(0);
    store.tell();
    /** @type {string[]} */
    const refused = [];
    /** @type {unknown} */
    let problem = null;
    try {
      await api.generate(asked, (message) => {
        if (message.type === "request") request = message.request;
        else if (message.type === "waiting") hands.tell(message.message);
        else if (message.type === "notes") {
          performance.measure("first note", { start: started, end: performance.now() });
          this.draft(id, message.index, (was) => grown(was, message));
          hands.progress(shareOf(store.written.get(id), count));
        } else if (message.type === "melody") {
          if (!takes.length) performance.measure("melody", { start: started, end: performance.now() });
          takes[message.index] = take({ ...message.melody, ...aboutOf(basis) }, { request, index: message.provenance?.index ?? message.index });
          this.draft(id, message.index, () => takes[message.index].melody);
        } else if (message.type === "refused") {
          refused.push(`; number ${message.number}: ${message.message}`);
        } else if (message.type === "judged") {
          const { certificate, originality, surprise } = message;
          takes[message.index] = { ...takes[message.index], certificate, originality, surprise };
        }
      }, stop.signal);
    } catch (error) {
      problem = error;
    }
    const front = takes[store.written.get(id)?.current ?? 0];
    store.write(id, null);
    const whole = takes.filter(Boolean);
    if (whole.length) await store.put({ takes: whole, current: Math.max(0, whole.indexOf(front)) }, doing.replace(/ …$/, ""), id);
    if (this.stopper === stop) {
      this.stopper = null;
      hands.progress(null);
    }
    store.tell();
    this.report(problem, whole, count, request, `${id === store.item.id ? "" : `, in “${name}”`}${refused.join("")}`);
    return whole.length > 0;
  }

  /** @param {unknown} problem @param {Take[]} whole @param {number} count @param {Request} request @param {string} where  they are, and which could not be written */
  report(problem, whole, count, request, where) {
    const stopped = problem instanceof Error && problem.name === "AbortError";
    if (problem && !stopped && !whole.length) this.hands.tell(problem);
    else if (problem && !stopped) this.hands.tell(`${whole.length} of ${count} are kept${where}. ${/** @type {Error} */ (problem).message}`);
    else if (stopped) this.hands.tell(whole.length ? `stopped: ${whole.length} of ${count} are kept${where}` : "stopped");
    else this.hands.tell(`${whole.length > 1 ? `${whole.length} alternatives, ` : ""}seed ${request.seed}${where}`);
  }

  /** @param {string} id @param {number} index @param {(melody: Melody) => Melody} grow */
  draft(id, index, grow) {
    const work = this.store.written.get(id);
    if (!work?.takes[index]) return;
    const takes = work.takes.map((one, at) => (at === index ? { ...one, melody: grow(one.melody) } : one));
    this.store.write(id, { ...work, takes });
    if (id === this.store.item.id && index === work.current) this.hands.drawn();
  }
}

/** A draft with what a message says. @param {Melody} was @param {any} message @returns {Melody} */
function grown(was, message) {
  const notes = [...was.notes.slice(0, message.keep), ...message.notes];
  const { key = was.key, meters = was.meters, pickup = was.pickup } = message;
  return { ...was, notes, key, meters, pickup, phrase_ends: [], duration: Math.max(was.duration, ...notes.map((note) => note[0] + note[1])) };
}

/** How much of the time of all melodies is filled. @param {Work | undefined} work @param {number} count */
function shareOf(work, count) {
  const shares = work?.takes.map(({ melody: { notes, duration } }) => ((notes.at(-1)?.[0] ?? 0) + (notes.at(-1)?.[1] ?? 0)) / Math.max(1, duration)) ?? [];
  return shares.reduce((sum, share) => sum + share, 0) / count;
}

/** Title and the like of the melody that is continued or rewritten; its words and chords come from the server. @param {Melody | undefined} basis */
function aboutOf(basis) {
  const { title, composer, tempo } = basis ?? {};
  return { ...(title ? { title } : {}), ...(composer ? { composer } : {}), ...(tempo ? { tempo } : {}) };
}

/** The requested frame, still without notes. @param {Request} asked @param {Melody} shown @returns {Melody} */
export function blank(asked, shown) {
  const [, beats = 4, unit = 4] = shown.meters[0] ?? [];
  const wanted = /^(\d+)\/(\d+)$/.exec(asked.meter ?? "");
  try {
    if (wanted) meterOf({ beats: Number(wanted[1]), unit: Number(wanted[2]) });
  } catch {
    return silence(8, [beats, unit], null); // the server says what is wrong with it
  }
  const bars = Number.isInteger(asked.bars) && asked.bars > 0 && asked.bars <= 64 ? asked.bars : 8;
  return silence(bars, wanted ? [Number(wanted[1]), Number(wanted[2])] : [beats, unit], null);
}
