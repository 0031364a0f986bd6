// What keys, pasting and dropping do, wherever on the page.

import { byId } from "./dom.js";

/** @import {Opening} from "./opening.js" */

/**
 * @param {Opening} opening
 * @param {(what: unknown) => void} tell
 * @param {() => boolean} live  whether keys play notes
 */
export function giveShortcuts(opening, tell, live) {
  window.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.closest("input:not([type=range], [type=checkbox]), select, textarea");
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (document.querySelector("dialog[open]")) return;
    if (command && key === "z" && !typing) byId(event.shiftKey ? "redo" : "undo").click();
    else if (command && key === "y" && !typing) byId("redo").click();
    else if (command && key === "enter" && !live()) byId(byId("generate").hidden ? "stop" : "generate").click();
    else if (key === "?" && !typing && !live()) byId("help-open").click();
    else if (key === " " && !typing && !live() && !target.closest("button, summary, input")) byId("play").click();
    else return;
    event.preventDefault();
  });
  window.addEventListener("paste", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input, textarea")) return;
    const files = event.clipboardData?.files;
    if (files?.length) void opening.files(files);
    else if (!opening.link(event.clipboardData?.getData("text") ?? "")) tell("What was pasted is no link of a studio.");
    event.preventDefault();
  });
  for (const name of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
    window.addEventListener(name, (event) => {
      event.preventDefault();
      if (name === "drop") void opening.files(event.dataTransfer?.files ?? []);
      byId("drop").hidden = name === "drop" || (name === "dragleave" && event.relatedTarget === null);
    });
  }
}
