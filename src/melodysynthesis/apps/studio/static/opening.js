// Melodies that come from elsewhere: files, links, and what is pasted. Each comes into an item of its own, so that
// nothing that is saved is replaced.

import * as api from "./api.js";
import { requestFrom } from "./checks.js";
import { MAX_IMPORT_BYTES } from "./library.js";
import { linked } from "./share-link.js";
import { silence } from "./melody.js";
import { take } from "./writing.js";

/** @import {Linked} from "./share-link.js" */
/** @import {Request, Terms, Work} from "./types.js" */
/** @import {Store} from "./store.js" */

const MAX_FILES = 50;

/**
 * @typedef {object} Hands
 * @property {(what: unknown) => void} tell
 * @property {() => void} leave  the view that is open, for Compose
 * @property {(request: Request) => void} fill  the form
 * @property {(request: Request, doing: string, current: number) => Promise<boolean>} write
 * @property {(parts: {count: number, taken: number} | null) => void} parts  of the file that is shown, to choose from
 */

export class Opening {
  /** @param {Store} store @param {Terms} terms @param {Hands} hands */
  constructor(store, terms, hands) {
    this.store = store;
    this.terms = terms;
    this.hands = hands;
    /** @type {{file: File, item: string} | null} */
    this.latest = null; // the file whose parts are on offer
  }

  /** @param {Iterable<File>} list */
  async files(list) {
    const files = [...list];
    const lines = [];
    if (files.length > MAX_FILES) lines.push(`the first ${MAX_FILES} of ${files.length} files`);
    let mistaken = false;
    for (const file of files.slice(0, MAX_FILES)) {
      try {
        lines.push(await this.file(file));
      } catch (error) {
        mistaken = true;
        const { message } = /** @type {Error} */ (error);
        lines.push(message.includes(file.name) ? message : `${file.name}: ${message}`);
      }
    }
    if (files.length) this.hands.tell(mistaken ? new api.Mistake(lines.join(" · ")) : lines.join(" · "));
  }

  /** @param {File} file @returns {Promise<string>} what to say of it */
  async file(file) {
    const own = /\.json$/i.test(file.name) && file.size <= MAX_IMPORT_BYTES ? await this.ours(await file.text()) : "";
    if (own) return `${file.name}: ${own}`;
    if (file.size > this.terms.max_bytes) throw new api.Mistake(`files of more than ${this.terms.max_bytes / 2 ** 20} MB are not opened`);
    const { melodies, notices, parts } = await api.open(file);
    const name = (melodies.length === 1 && melodies[0].title) || file.name.replace(/\.\w+$/, "");
    await this.bring({ takes: melodies.map((melody) => take(melody)), current: 0 }, name, `opened ${file.name}`);
    this.latest = { file, item: this.store.item.id };
    this.hands.parts(parts);
    return notices.length ? notices[0] : `${file.name}: ${melodies.length === 1 ? "a melody" : `${melodies.length} melodies`}`;
  }

  /** Another part of the file that was opened last: a step that can be undone. @param {number} part */
  async part(part) {
    if (!this.latest || this.latest.item !== this.store.item.id) return;
    const { melodies, parts, notices } = await api.open(this.latest.file, part);
    await this.store.put({ takes: melodies.map((melody) => take(melody)), current: 0 }, `part ${part} of ${this.latest.file.name}`);
    this.hands.parts(parts);
    this.hands.tell(notices[0] ?? `part ${part}`);
  }

  /** A request or a library that a studio has written; nothing for other JSON. @param {string} text */
  async ours(text) {
    let read;
    try {
      read = JSON.parse(text);
    } catch {
      return "";
    }
    if (Array.isArray(read?.items)) return `${await this.store.library.add(text)} melodies are added to your library`;
    if (typeof read !== "object" || read === null || Array.isArray(read) || "notes" in read || !("seed" in read || "model" in read)) return "";
    const request = requestFrom(read.request ?? read);
    this.hands.leave();
    this.hands.fill(request);
    return "the request is in the form: Generate makes its melodies again";
  }

  /** Show melodies in an item of their own, once it is there: until then the view would show, and change, another. @param {Work} work @param {string} name @param {string} what */
  async bring(work, name, what) {
    await this.store.create(name, work, what);
    this.hands.leave();
    this.hands.parts(null);
  }

  /** Open what a link says; text that is none is passed over. @param {string} text @returns {boolean} whether it was one */
  link(text) {
    try {
      const found = linked(text);
      if (found) void this.follow(found).catch(this.hands.tell);
      return found !== null;
    } catch (error) {
      this.hands.tell(error);
      return true;
    }
  }

  /** @param {Linked} found */
  async follow({ melody, request, index = 0 }) {
    if (request) this.hands.fill(request);
    if (melody) {
      await this.bring({ takes: [take(melody, { request: request ?? null, edited: true })], current: 0 }, melody.title || "From a link", "from a link");
      this.hands.tell("the melody of the link");
    } else if (request) {
      await this.bring({ takes: [take(silence(8, [4, 4], null))], current: 0 }, "From a link", "from a link");
      await this.hands.write(request, "making the melody of the link again …", index);
    }
  }
}
