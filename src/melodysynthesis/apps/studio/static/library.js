// The library: melodies by name, each with all of its versions. A change is a new version, and undo goes back to an
// older one without deleting the newer, so whatever was saved can be found again. What it gives is saved already.

import { Mistake } from "./api.js";
import { workFrom } from "./checks.js";

/** @import {Work} from "./types.js" */
/** @import {Shelf, Step} from "./shelf.js" */

export const MAX_VERSIONS = 500; // of an item; the oldest go first
export const MAX_IMPORT_BYTES = 64 * 2 ** 20;
const MAX_ITEMS = 2000; // of a file
const MAX_UNDONE = 200;
const MAX_NAME = 120;
const FORMAT = "melodysynthesis library";

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {string} name
 * @property {number} changed  when, in milliseconds since 1970
 * @property {number} at  number of the version that is shown
 * @property {number} next  number of the next version
 * @property {number[]} past  versions that undo goes back to
 * @property {number[]} future  versions that redo goes on to
 * @property {boolean} deleted  whether it is hidden from the list, until it is restored
 */
/** @typedef {{item: string, number: number, made: number, what: string, work: Work}} Version */
/** @typedef {{item: Item, work: Work}} Opened */

export class Library {
  /** @param {Shelf} shelf @param {{postMessage: (message: any) => void}} [channel]  tells other tabs which item has changed */
  constructor(shelf, channel) {
    this.shelf = shelf;
    this.channel = channel;
  }

  /** All items, the latest first. @returns {Promise<Item[]>} */
  async list() {
    const items = await this.shelf.run((step) => step.items());
    return items.sort((a, b) => b.changed - a.changed);
  }

  /** @param {string} name @param {Work} work @param {string} what  happened @returns {Promise<Opened>} */
  async create(name, work, what) {
    /** @type {Item} */
    const item = { id: crypto.randomUUID(), name: name.slice(0, MAX_NAME), changed: Date.now(), at: 0, next: 1, past: [], future: [], deleted: false };
    await this.shelf.run(async (step) => {
      await step.put("items", item);
      await step.put("versions", { item: item.id, number: 0, made: item.changed, what, work });
    });
    this.told(item.id);
    return { item, work };
  }

  /** @param {string} id @returns {Promise<Opened | null>} */
  async open(id) {
    return this.shelf.run(async (step) => {
      const item = await step.get("items", id);
      const version = item && (await step.get("versions", [id, item.at]));
      return version ? { item, work: version.work } : null;
    });
  }

  /** A new version. @param {string} id @param {(work: Work) => Work} make  from the present one @param {string} what */
  step(id, make, what) {
    return this.write(id, async (item, step) => {
      const { work } = await step.get("versions", [id, item.at]);
      const made = make(work);
      await step.put("versions", { item: id, number: item.next, made: Date.now(), what, work: made });
      if (item.next >= MAX_VERSIONS) await step.remove("versions", [id, item.next - MAX_VERSIONS]);
      const past = [...item.past, item.at].filter((number) => number > item.next - MAX_VERSIONS).slice(-MAX_UNDONE);
      return { item: { ...item, at: item.next, next: item.next + 1, past, future: [] }, work: made };
    });
  }

  /** Something becomes known of the present version, or another of its melodies is in front. @param {string} id @param {(work: Work) => Work} make */
  amend(id, make) {
    return this.write(id, async (item, step) => {
      const version = await step.get("versions", [id, item.at]);
      const work = make(version.work);
      await step.put("versions", { ...version, work });
      return { item, work };
    });
  }

  /** Undo (-1) or redo (1); nothing where there is nothing. @param {string} id @param {1 | -1} by */
  turn(id, by) {
    return this.write(id, async (item, step) => {
      const [past, future] = [[...item.past], [...item.future]];
      const [from, to] = by < 0 ? [past, future] : [future, past];
      const at = from.pop();
      if (at !== undefined) to.push(item.at);
      const { work } = await step.get("versions", [id, at ?? item.at]);
      return { item: { ...item, at: at ?? item.at, past, future }, work };
    });
  }

  /** @param {string} id @param {Partial<Pick<Item, "name" | "deleted">>} change */
  label(id, change) {
    return this.write(id, async (item, step) => {
      const { work } = await step.get("versions", [id, item.at]);
      return { item: { ...item, ...change, name: (change.name ?? item.name).slice(0, MAX_NAME) }, work };
    });
  }

  /** All versions, the latest first. @param {string} id @returns {Promise<Version[]>} */
  async versions(id) {
    return (await this.shelf.run((step) => step.versions(id))).reverse();
  }

  /** For good. @param {string} id */
  async remove(id) {
    await this.shelf.run(async (step) => {
      for (const { number } of await step.versions(id)) await step.remove("versions", [id, number]);
      await step.remove("items", id);
    });
    this.told(id);
  }

  /** @param {string} id @param {(item: Item, step: Step) => Promise<Opened>} work @returns {Promise<Opened>} */
  async write(id, work) {
    const opened = await this.shelf.run(async (step) => {
      const item = await step.get("items", id);
      if (!item) throw new Mistake("this melody was deleted in another tab");
      const made = await work(item, step);
      made.item.changed = Date.now();
      await step.put("items", made.item);
      return made;
    });
    this.told(id);
    return opened;
  }

  /** @param {string} id */
  told(id) {
    this.channel?.postMessage(id);
  }

  /** Everything, as the text of a file. */
  async exported() {
    const items = await Promise.all((await this.list()).map(async ({ id, ...item }) => ({
      ...item, versions: (await this.versions(id)).map(({ number, made, what, work }) => ({ number, made, what, work })),
    })));
    return JSON.stringify({ format: FORMAT, version: 1, items });
  }

  /** Add the items of such a file, to those that are here. All are checked before any is saved. @param {string} text @returns {Promise<number>} how many */
  async add(text) {
    const items = itemsFrom(text);
    await this.shelf.run(async (step) => {
      for (const { versions, ...item } of items) {
        await step.put("items", item);
        for (const version of versions) await step.put("versions", { ...version, item: item.id });
      }
    });
    for (const { id } of items) this.told(id);
    return items.length;
  }
}

/** @param {string} text @returns {(Item & {versions: Omit<Version, "item">[]})[]} */
function itemsFrom(text) {
  if (text.length > MAX_IMPORT_BYTES) throw new Mistake(`a library of more than ${MAX_IMPORT_BYTES / 2 ** 20} MB is not imported`);
  let read;
  try {
    read = JSON.parse(text);
  } catch {
    throw new Mistake("this is not a library: no JSON");
  }
  if (read?.format !== FORMAT || !Array.isArray(read.items)) throw new Mistake("this is not a library that a studio has exported");
  if (read.items.length > MAX_ITEMS) throw new Mistake(`more than ${MAX_ITEMS} melodies are not imported`);
  return read.items.map((/** @type {any} */ item, /** @type {number} */ number) => {
    try {
      return itemFrom(item);
    } catch (error) {
      throw new Mistake(`entry ${number + 1} of the library: ${/** @type {Error} */ (error).message}`);
    }
  });
}

/** @param {any} item @returns {Item & {versions: Omit<Version, "item">[]}} */
function itemFrom(item) {
  const said = Array.isArray(item?.versions) ? item.versions : [];
  if (!said.length || said.length > MAX_VERSIONS) throw new Mistake(`expected 1 to ${MAX_VERSIONS} versions`);
  const versions = said.map((/** @type {any} */ version, /** @type {number} */ back) => ({
    number: said.length - 1 - back, made: timeOf(version?.made), what: String(version?.what ?? "").slice(0, MAX_NAME), work: workFrom(version?.work),
  }));
  // numbers of a file are not relied on: they are counted again, in the order of the file
  const renumbered = new Map(said.map((/** @type {any} */ version, /** @type {number} */ back) => [version.number, said.length - 1 - back]));
  const known = (/** @type {unknown} */ list) => (Array.isArray(list) ? list.flatMap((number) => renumbered.get(number) ?? []).slice(-MAX_UNDONE) : []);
  return {
    id: crypto.randomUUID(), name: String(item.name ?? "").slice(0, MAX_NAME) || "Imported", changed: timeOf(item.changed), deleted: item.deleted === true,
    at: renumbered.get(item.at) ?? said.length - 1, next: said.length, past: known(item.past), future: known(item.future), versions,
  };
}

/** @param {unknown} value */
function timeOf(value) {
  return typeof value === "number" && value > 0 && value < 8.64e15 ? value : Date.now();
}
