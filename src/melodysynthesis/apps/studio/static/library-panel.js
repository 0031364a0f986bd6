// The dialog of the library: what is saved, the versions of each, and files of all of it.

import { byId, html } from "./dom.js";
import { save } from "./downloads.js";
import { MAX_IMPORT_BYTES } from "./library.js";

/** @import {Item, Version} from "./library.js" */
/** @import {Store} from "./store.js" */

const MOST_LISTED = 200;

export class LibraryPanel {
  /** @param {Store} store @param {(what: unknown) => void} tell @param {() => void} leave  whatever is shown, for Compose */
  constructor(store, tell, leave) {
    this.store = store;
    this.tell = tell;
    this.leave = leave;
    this.dialog = /** @type {HTMLDialogElement} */ (byId("library"));
    /** @type {string | null} */
    this.opened = null; // the item whose versions are listed
    const on = (/** @type {string} */ id, /** @type {() => unknown} */ act) => byId(id).addEventListener("click", () => void Promise.resolve(act()).catch(tell));
    on("library-open", () => this.show());
    on("library-close", () => this.dialog.close());
    on("library-export", () => this.export());
    on("library-import", () => byId("library-file").click());
    byId("library-deleted").addEventListener("change", () => void this.list());
    byId("library-find").addEventListener("input", () => void this.list());
    byId("library-file").addEventListener("change", (event) => {
      const field = /** @type {HTMLInputElement} */ (event.target);
      void this.import(field.files?.[0]).catch((error) => this.say(error));
      field.value = "";
    });
  }

  async show() {
    this.opened = this.store.item.id;
    this.say(this.store.library.shelf.lasting ? "" : "This browser keeps nothing here: export the library before you close the page.");
    await this.list();
    this.dialog.showModal();
  }

  /** Another tab has changed something. */
  refresh() {
    if (this.dialog.open) void this.list();
  }

  async list() {
    const deleted = /** @type {HTMLInputElement} */ (byId("library-deleted")).checked;
    const sought = /** @type {HTMLInputElement} */ (byId("library-find")).value.trim().toLowerCase();
    const items = (await this.store.library.list()).filter((item) => item.deleted === deleted && item.name.toLowerCase().includes(sought));
    const rows = await Promise.all(items.slice(0, MOST_LISTED).map((item) => this.row(item)));
    const more = items.length > MOST_LISTED ? [html("li", {}, `and ${items.length - MOST_LISTED} more: search by name`)] : [];
    byId("library-items").replaceChildren(...rows, ...more);
    if (!items.length) byId("library-items").append(html("li", {}, deleted ? "Nothing is deleted." : "Nothing is here by that name."));
  }

  /** @param {Item} item */
  async row(item) {
    const { store } = this;
    const act = (/** @type {string} */ label, /** @type {string} */ name, /** @type {() => Promise<unknown>} */ work) => {
      const button = html("button", { type: "button", "aria-label": `${name}: ${item.name}` }, label);
      button.addEventListener("click", () => void work().then(() => this.list()).catch(this.tell));
      return button;
    };
    const shown = item.id === store.item.id;
    const open = act("Open", "Open", async () => this.visit(item.id));
    const versions = act("Versions", "List the versions", async () => {
      this.opened = this.opened === item.id ? null : item.id;
    });
    versions.setAttribute("aria-expanded", String(this.opened === item.id));
    const remove = item.deleted
      ? [act("Restore", "Restore", () => store.library.label(item.id, { deleted: false })), act("Delete for good", "Delete for good", () => this.removeForGood(item))]
      : [act("Delete", "Delete", () => this.remove(item))];
    const line = html("div", { class: "line" }, html("strong", {}, item.name), html("small", {}, `${shown ? "shown · " : ""}${timeName(item.changed)}`), open, versions, ...remove);
    const history = this.opened === item.id ? [await this.versions(item)] : [];
    return html("li", shown ? { "aria-current": "true" } : {}, line, ...history);
  }

  /** @param {Item} item */
  async versions(item) {
    const versions = await this.store.library.versions(item.id);
    return html("ol", { class: "versions", "aria-label": `Versions of ${item.name}` }, ...versions.map((version) => this.version(item, version)));
  }

  /** @param {Item} item @param {Version} version */
  version(item, version) {
    const { takes, current } = version.work;
    const notes = takes[current].melody.notes.length;
    const text = `${version.what || "change"} · ${takes.length > 1 ? `${takes.length} melodies` : `${notes} notes`} · ${timeName(version.made)}`;
    if (version.number === item.at) return html("li", {}, html("span", {}, `${text} · shown`));
    const button = html("button", { type: "button", "aria-label": `Restore: ${text}` }, "Restore");
    button.addEventListener("click", () => void this.restore(item, version).catch(this.tell));
    return html("li", {}, html("span", {}, text), button);
  }

  /** An older version becomes the newest one; nothing is lost by it. @param {Item} item @param {Version} version */
  async restore(item, version) {
    await this.visit(item.id);
    await this.store.put(version.work, `restored from ${timeName(version.made)}`);
    await this.list();
  }

  /** @param {string} id */
  async visit(id) {
    this.leave();
    await this.store.visit(id);
  }

  /** @param {Item} item */
  async remove(item) {
    await this.store.library.label(item.id, { deleted: true });
    if (item.id !== this.store.item.id) return;
    const next = (await this.store.library.list()).find((other) => !other.deleted);
    if (next) await this.store.visit(next.id);
    else byId("new").click();
  }

  /** @param {Item} item */
  async removeForGood(item) {
    if (item.id === this.store.item.id) return this.say(new Error("It is shown: open another melody first."));
    if (window.confirm(`Delete “${item.name}” and all of its versions for good?`)) await this.store.library.remove(item.id);
  }

  async export() {
    const day = new Date().toISOString().slice(0, 10);
    save(new Blob([await this.store.library.exported()], { type: "application/json" }), `melody-library-${day}.json`);
  }

  /** @param {File | undefined} file */
  async import(file) {
    if (!file) return;
    if (file.size > MAX_IMPORT_BYTES) throw new Error(`${file.name}: a library of more than ${MAX_IMPORT_BYTES / 2 ** 20} MB is not imported`);
    const count = await this.store.library.add(await file.text());
    this.say(`${count} melodies are added.`);
    await this.list();
  }

  /** @param {unknown} what */
  say(what) {
    const mistake = what instanceof Error;
    byId("library-said").textContent = mistake ? what.message : String(what);
    byId("library-said").classList.toggle("mistake", mistake);
  }
}

/** @param {number} time */
function timeName(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
