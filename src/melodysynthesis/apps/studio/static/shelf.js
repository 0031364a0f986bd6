// Where the library is kept: the browser's IndexedDB, or memory where the browser allows none.

const STORES = /** @type {const} */ (["items", "versions"]);

/**
 * What can be done within one transaction: all of it happens, or none.
 * @typedef {object} Step
 * @property {(store: "items" | "versions", key: any) => Promise<any>} get
 * @property {(store: "items" | "versions", value: any) => Promise<unknown>} put
 * @property {(store: "items" | "versions", key: any) => Promise<unknown>} remove
 * @property {() => Promise<any[]>} items
 * @property {(item: string) => Promise<any[]>} versions  of an item, by number
 */
/** @typedef {{lasting: boolean, run: <T>(work: (step: Step) => Promise<T>) => Promise<T>}} Shelf */

/** @param {string} name @returns {Promise<Shelf>} */
export async function openShelf(name) {
  try {
    return new Disk(await database(name));
  } catch {
    return new Memory();
  }
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function database(name) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("items", { keyPath: "id" });
      opening.result.createObjectStore("versions", { keyPath: ["item", "number"] });
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = opening.onblocked = () => reject(opening.error);
  });
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @implements {Shelf} */
class Disk {
  lasting = true;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** @template T @param {(step: Step) => Promise<T>} work @returns {Promise<T>} */
  async run(work) {
    const transaction = this.database.transaction(STORES, "readwrite");
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error("not saved"));
    });
    const store = (/** @type {"items" | "versions"} */ name) => transaction.objectStore(name);
    try {
      const found = await work({
        get: (name, key) => answer(store(name).get(key)),
        put: (name, value) => answer(store(name).put(value)),
        remove: (name, key) => answer(store(name).delete(key)),
        items: () => answer(store("items").getAll()),
        versions: (item) => answer(store("versions").getAll(IDBKeyRange.bound([item], [item, []]))),
      });
      await done;
      return found;
    } catch (error) {
      done.catch(() => {});
      try {
        transaction.abort();
      } catch {
        // it has ended already
      }
      throw error;
    }
  }
}

/** @implements {Shelf} */
export class Memory {
  lasting = false;

  constructor() {
    this.kept = { items: new Map(), versions: new Map() };
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
  }

  /** @template T @param {(step: Step) => Promise<T>} work @returns {Promise<T>} */
  run(work) {
    const done = this.queue.then(() => this.all(work));
    this.queue = done.catch(() => {});
    return done;
  }

  /** @template T @param {(step: Step) => Promise<T>} work @returns {Promise<T>} */
  async all(work) {
    const kept = { items: new Map(this.kept.items), versions: new Map(this.kept.versions) };
    const found = await work({
      get: async (store, key) => structuredClone(kept[store].get(String(key))),
      put: async (store, value) => kept[store].set(String(store === "items" ? value.id : [value.item, value.number]), structuredClone(value)),
      remove: async (store, key) => kept[store].delete(String(key)),
      items: async () => structuredClone([...kept.items.values()]),
      versions: async (item) => structuredClone([...kept.versions.values()].filter((one) => one.item === item)).sort((a, b) => a.number - b.number),
    });
    this.kept = kept;
    return found;
  }
}
