// Playing: the buttons and fields of the transport, and tap tempo.

import { byId } from "./dom.js";
import { tapped } from "./tempo.js";

/** @import {Compare} from "./compare.js" */
/** @import {Player} from "./player.js" */
/** @import {Store} from "./store.js" */

export const SWITCHES = /** @type {const} */ (["loop", "click", "backing", "countin"]);
export const VOLUMES = /** @type {const} */ (["melody", "chords", "click"]);

const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (byId(id));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/**
 * @param {Store} store
 * @param {Player} player
 * @param {Compare} compare
 * @param {(what: unknown) => void} tell
 * @param {(tempo: number) => void} changed  the tempo of a melody that has one
 */
export function giveTransport(store, player, compare, tell, changed) {
  const setTempo = (/** @type {number} */ wanted) => {
    const tempo = Math.max(30, Math.min(300, Math.round(wanted) || 110));
    store.play({ tempo });
    if (store.take.melody.tempo && store.take.melody.tempo !== tempo && !store.pending) changed(tempo);
  };
  button("play").addEventListener("click", () => {
    if (player.playing && compare.sounding) player.stop();
    else if (player.playing) player.pause();
    else if (byId("work").hidden) compare.play();
    else void player.play().catch(tell);
  });
  button("halt").addEventListener("click", () => player.stop());
  for (const id of SWITCHES) {
    button(id).addEventListener("click", () => {
      store.play({ [id]: !store.manner[id] });
      if (id === "backing" && player.playing) void player.ready().catch(tell);
      if (id === "backing" && store.manner.backing && !player.chords.length) tell("There are no chords yet: write some in the form, such as G | C | D7 | G, or have them found.");
    });
  }
  for (const id of VOLUMES) {
    input(`volume-${id}`).addEventListener("input", () => store.play({ volumes: { ...store.manner.volumes, [id]: Number(input(`volume-${id}`).value) } }));
  }
  input("tempo").addEventListener("change", () => setTempo(Number(input("tempo").value)));
  /** @type {number[]} */
  let taps = [];
  button("tap").addEventListener("click", (event) => {
    const found = tapped([...taps, event.timeStamp]);
    taps = found.taps;
    if (found.tempo) setTempo(found.tempo);
  });
}

/** What the switches and volumes say. @param {Store} store */
export function showTransport({ manner }) {
  for (const id of SWITCHES) button(id).setAttribute("aria-pressed", String(manner[id]));
  for (const id of VOLUMES) input(`volume-${id}`).value = String(manner.volumes[id]);
}
