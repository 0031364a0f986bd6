// The page: what the person does becomes work in the store, and what is in the store is shown.

import * as api from "./api.js";
import { chordsOf } from "./chords.js";
import { Compare } from "./compare.js";
import { Controls, withoutFrame } from "./controls.js";
import { byId, html } from "./dom.js";
import { offer } from "./downloads.js";
import { linkOf, linked } from "./link.js";
import { Live } from "./live.js";
import { barsOf, placeName, pitchName, silence, withBar } from "./melody.js";
import { Player } from "./player.js";
import { Roll } from "./roll.js";
import { Score } from "./score.js";
import { Store } from "./store.js";
import { reportOf } from "./study.js";
import { certificateOf, originalityOf } from "./verdicts.js";

/** @import {Melody, Request, Take} from "./types.js" */

const GRIDS = { 48: "half note", 24: "quarter", 12: "eighth", 8: "triplet", 6: "sixteenth", 3: "32nd" };
const VIEWS = ["compose", "compare", "live"];
const JUDGED_AFTER = 500; // milliseconds after a change by hand
const ASKED_AGAIN_AFTER = 4000; // where the corpus is still being read

/** @param {Melody} melody @param {Partial<Take>} known @returns {Take} */
const take = (melody, known = {}) => ({
  melody, request: null, index: 0, certificate: null, originality: null, surprise: null, edited: false, ...known,
});

const store = new Store({ takes: [take(silence(8, [3, 4], { tonic: "G", mode: "major" }))], current: 0 });
const [terms, models] = await Promise.all([api.terms(), api.models()]);
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (byId(id));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/** @type {AbortController | null} */
let generating = null;
/** @type {Melody[] | null} */
let drafts = null;

// ---- the parts

const score = new Score(byId("score"), (number) => roll.pick(number));
const player = new Player((tick, note) => {
  document.body.classList.toggle("playing", player.playing);
  button("play").setAttribute("aria-label", player.playing ? "Stop" : "Play");
  if (compare.sounding) compare.sounding.score.follow(note);
  else {
    roll.follow(tick, note);
    score.follow(note);
  }
  if (!player.playing && compare.sounding) {
    compare.sounding = null;
    hear();
  }
  byId("clock").textContent = placeName(player.melody ?? store.take.melody, tick ?? 0);
});
const roll = new Roll(byId("roll"), {
  changed: edit,
  heard: (pitch) => void player.strike(pitch).catch(tell),
  selected: (number) => score.mark(number),
  chosen: (bars) => choose(bars),
  said: (text) => void (byId("live").textContent = text),
});
const compare = new Compare(byId("rows"), byId("beside"), models, {
  opened: (one) => {
    look("compose");
    bring([one], `the melody of ${one.request?.model}`);
  },
  played: (one) => {
    const row = compare.sounding;
    player.stop();
    compare.sounding = row;
    player.melody = one.melody;
    player.within = null;
    player.chords = chordsOf(one.request?.chords ?? "", one.melody, terms);
    void player.play().catch(tell);
  },
});
const live = new Live(player, models, store.manner.live, {
  composed: (melodies, tempo) => {
    look("compose");
    store.play({ tempo });
    bring(Object.values(melodies).map((melody) => take(melody)), `played live: ${Object.keys(melodies).join(", ").toLowerCase()}`);
  },
  kept: (settings) => store.play({ live: settings }),
});
const controls = new Controls(byId("fields"), terms, models, () => {
  store.fields = controls.values;
  store.keep();
  hear();
});
controls.values = Object.keys(store.fields).length ? store.fields : null;
offer(byId("downloads"), terms.downloads, () => store.take, tell);
byId("baselines").textContent = terms.no_baselines ?? "";
byId("study").replaceChildren(...reportOf(terms.study));

// ---- showing

/** @param {unknown} what  a text, or an error */
function tell(what) {
  const mistake = what instanceof Error;
  if (mistake && what.name === "AbortError") return;
  const text = mistake ? what.message : String(what);
  for (const id of ["message", "compared"]) {
    byId(id).textContent = text;
    byId(id).classList.toggle("mistake", mistake);
  }
  controls.blame(mistake ? text : "");
}

function show() {
  const { front: work, manner } = store;
  const front = drafts?.[work.current] ?? store.take.melody;
  roll.grid = manner.grid;
  roll.show(front, drafts !== null, store.take.surprise);
  score.show(front);
  hear();
  byId("certificate").replaceChildren(...certificateOf(store.take));
  byId("originality").replaceChildren(...originalityOf(store.take));
  byId("about").textContent = summary(front);
  byId("score").setAttribute("aria-label", `Score: ${summary(front)}`);
  showTakes();
  const away = !!byId("work").hidden;
  button("undo").disabled = !store.past.length || !!generating || away;
  button("redo").disabled = !store.future.length || !!generating || away;
  button("link").disabled = !front.notes.length || !!generating || away;
  for (const id of ["rewrite", "continue"]) button(id).disabled = !!generating || !front.notes.length;
  for (const id of ["more", "less"]) button(id).disabled = !!generating;
  for (const id of /** @type {const} */ (["loop", "click", "backing"])) button(id).setAttribute("aria-pressed", String(manner[id]));
  input("tempo").value = String(manner.tempo);
  input("grid").value = String(manner.grid);
  document.documentElement.dataset.theme = manner.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function showTakes() {
  const { takes, current } = store.front;
  const shown = takes.length > 1 ? takes : [];
  byId("alternatives").replaceChildren(...shown.map(({ certificate, edited }, number) => {
    const certified = certificate?.verdict === "kept" && !edited ? " certified" : "";
    const tab = html("button", {
      type: "button", role: "tab", class: certified, "aria-selected": String(number === current), tabindex: number === current ? 0 : -1,
      "aria-controls": "roll-card", "aria-label": `Alternative ${number + 1}`,
    }, String(number + 1));
    tab.addEventListener("click", () => front(number));
    return tab;
  }));
}

/** @param {Melody} melody */
function summary(melody) {
  const pitches = melody.notes.map((note) => note[2]);
  const [, beats, unit] = melody.meters[0] ?? [0, 0, 0];
  return [
    melody.key ? `${melody.key.tonic} ${melody.key.mode}` : "no key",
    melody.meters.length ? `${beats}/${unit}` : "no meter",
    `${barsOf(melody).filter((bar) => bar.number > 0).length} bars`,
    `${pitches.length} notes`,
    ...(pitches.length ? [`${pitchName(Math.min(...pitches), melody.key)} to ${pitchName(Math.max(...pitches), melody.key)}`] : []),
  ].join(" · ");
}

/** What the player plays, and how. */
function hear() {
  const { melody, request } = store.take;
  player.melody = drafts?.[store.front.current] ?? melody;
  player.manner = store.manner;
  player.chords = chordsOf(request?.chords ?? controls.values.chords ?? "", melody, terms);
  const bars = barsOf(melody).filter(({ number }) => roll.bars && number >= roll.bars[0] && number <= roll.bars[1]);
  player.within = bars.length ? [bars[0].start, bars[bars.length - 1].end] : null;
}

// ---- doing

/** @param {number} number  of the take to show */
function front(number) {
  const { takes } = store.front;
  player.stop();
  roll.select(null);
  store.show({ takes, current: (number + takes.length) % takes.length });
  judgeLater();
  /** @type {HTMLElement | null} */ (byId("alternatives").children[store.front.current])?.focus();
}

/** A change by hand. @param {Melody} melody */
function edit(melody) {
  store.change({ melody: { ...melody, source: "" }, edited: true, certificate: null, originality: null, surprise: null });
  judgeLater();
}

let judging = new AbortController();
let judgeTimer = 0;

function judgeLater() {
  judging.abort();
  judging = new AbortController();
  clearTimeout(judgeTimer);
  const { signal } = judging;
  const { melody, request, originality } = store.take;
  if ((originality && !originality.pending) || !melody.notes.length) return;
  judgeTimer = setTimeout(async () => {
    try {
      const found = await api.judge(melody, request, signal);
      const { certificate, originality, surprise } = found;
      if (store.take.melody === melody) store.change({ certificate, originality, surprise }, false);
      if (originality.pending) setTimeout(judgeLater, ASKED_AGAIN_AFTER);
    } catch (error) {
      tell(error);
    }
  }, JUDGED_AFTER);
}

/** @param {[number, number] | null} bars */
function choose(bars) {
  roll.choose(bars);
  input("from").value = bars ? String(bars[0]) : "";
  input("to").value = bars ? String(bars[1]) : "";
  hear();
}

/**
 * Have melodies written; they come into the store as one step that can be undone.
 * @param {Request} asked
 * @param {string} doing
 * @param {number} [current]  which of them is shown at first
 */
async function generate(asked, doing, current = 0) {
  generating?.abort();
  player.stop();
  const begun = performance.now();
  const stop = (generating = new AbortController());
  const shown = store.take.melody;
  const count = asked.count ?? 1;
  /** @type {Take[]} */
  const takes = [];
  /** @type {Request} */
  let request = asked;
  const kept = asked.within ?? asked.primers?.[0];
  drafts = Array.from({ length: count }, () => kept ?? blank(asked, shown));
  store.pending = { takes: drafts.map((melody) => take(melody, { request: asked })), current: Math.min(current, count - 1) };
  tell(doing);
  button("generate").hidden = true;
  button("stop").hidden = false;
  roll.select(null);
  show();
  try {
    await api.generate(asked, (message) => {
      if (message.type === "request") request = message.request;
      else if (message.type === "waiting") tell(message.message);
      else if (message.type === "notes" && drafts) {
        performance.measure("first note", { start: begun, end: performance.now() });
        const was = drafts[message.index];
        const notes = [...was.notes.slice(0, message.keep), ...message.notes];
        const { key = was.key, meters = was.meters, pickup = was.pickup } = message;
        drafts[message.index] = { ...was, notes, key, meters, pickup, phrase_ends: [], duration: Math.max(was.duration, ...notes.map((n) => n[0] + n[1])) };
        if (message.index === store.front.current) showDraft();
      } else if (message.type === "melody") {
        if (!takes.length) performance.measure("melody", { start: begun, end: performance.now() });
        takes[message.index] = take(message.melody, { request, index: message.index });
        if (drafts) drafts[message.index] = message.melody;
        if (message.index === store.front.current) showDraft();
      } else if (message.type === "judged") {
        const { certificate, originality, surprise } = message;
        takes[message.index] = { ...takes[message.index], certificate, originality, surprise };
      }
    }, stop.signal);
    const at = store.front.current;
    end();
    store.put({ takes, current: at });
    judgeLater(); // where it could not be searched yet
    tell(takes.length > 1 ? `${takes.length} alternatives, seed ${request.seed}` : `seed ${request.seed}`);
  } catch (error) {
    if (generating !== stop) return; // another generation has begun
    end();
    show();
    tell(error);
    if (stop.signal.aborted) tell("stopped");
  }

  function end() {
    generating = drafts = store.pending = null;
    button("generate").hidden = false;
    button("stop").hidden = true;
  }
}

/** The frame that is asked for, still without notes. @param {Request} asked @param {Melody} shown @returns {Melody} */
function blank(asked, shown) {
  const [beats, unit] = /^\d+\/\d+$/.test(asked.meter ?? "") ? asked.meter.split("/").map(Number) : (shown.meters[0] ?? [0, 4, 4]).slice(1);
  return silence(asked.bars ?? 8, [beats || 4, unit || 4], null);
}

/** @param {string} view  compose, compare or live */
function look(view) {
  player.stop();
  byId("work").hidden = view !== "compose";
  byId("compare").hidden = view !== "compare";
  byId("ask").hidden = view === "live";
  live.show(view === "live");
  document.body.dataset.view = view;
  for (const name of VIEWS) button(`view-${name}`).setAttribute("aria-pressed", String(name === view));
  for (const name of ["model", "count"]) controls.disable(name, view === "compare");
  button("generate").textContent = view === "compare" ? "Compare" : "Generate";
  show();
}

/** One request through every model; they share its seed. */
async function compareAll() {
  generating?.abort();
  player.stop();
  const stop = (generating = new AbortController());
  const { seed = Math.floor(Math.random() * 1e6), ...asked } = controls.values;
  button("generate").hidden = true;
  button("stop").hidden = false;
  tell(`${models.length} models and baselines are writing …`);
  await compare.run({ ...asked, seed }, stop.signal);
  if (generating !== stop) return;
  generating = null;
  button("generate").hidden = false;
  button("stop").hidden = true;
  tell(stop.signal.aborted ? "stopped" : `Seed ${seed}. The bars under the notes: bits of each under the model that wrote it.`);
  show();
}

let drawing = 0;

function showDraft() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    const draft = drafts?.[store.front.current];
    if (!draft) return;
    roll.show(draft, true);
    score.show(draft);
    byId("about").textContent = summary(draft);
  });
}

/** Melodies that were opened, linked or compared. @param {Take[]} takes @param {string} told */
function bring(takes, told) {
  player.stop();
  roll.select(null);
  choose(null);
  store.put({ takes, current: 0 });
  judgeLater();
  tell(told);
}

/** @param {File | undefined} file */
async function open(file) {
  if (!file) return;
  if (file.size > terms.max_bytes) return tell(new Error(`${file.name}: files of more than ${terms.max_bytes / 2 ** 20} MB are not opened`));
  try {
    const { melodies, notices } = await api.open(file);
    look("compose");
    bring(melodies.map((melody) => take(melody)), notices.length ? notices[0] : `${file.name}: ${melodies.length === 1 ? "a melody" : `${melodies.length} melodies`}`);
  } catch (error) {
    tell(error);
  }
}

// ---- what buttons and keys do

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byId("compare").hidden) return void compareAll();
  choose(null);
  void generate(controls.values, "writing …");
});
for (const view of VIEWS) button(`view-${view}`).addEventListener("click", () => look(view));
button("stop").addEventListener("click", () => generating?.abort());
button("continue").addEventListener("click", () => {
  const { melody } = store.take;
  const { bars = 8, ...rest } = controls.values;
  const there = barsOf(melody).filter((bar) => bar.number > 0).length;
  const { key, seed, form, ...rules } = withoutFrame(rest);
  void generate({ ...rules, primers: [melody], bars: there + bars }, `going on from bar ${there + 1} …`);
});
button("rewrite").addEventListener("click", () => {
  const { melody } = store.take;
  const numbers = barsOf(melody).map((bar) => bar.number);
  const from = input("from").value === "" ? numbers[0] : Number(input("from").value);
  const to = input("to").value === "" ? Math.max(from, input("from").value === "" ? numbers[numbers.length - 1] : from) : Number(input("to").value);
  const { key, seed, ...rules } = withoutFrame(controls.values);
  void generate({ ...rules, within: melody, rewrite: `${from}-${to}` }, `writing bars ${from} to ${to} anew …`);
});
for (const id of ["from", "to"]) {
  input(id).addEventListener("change", () => {
    const [from, to] = [input("from").value, input("to").value].map((text) => (text === "" ? null : Number(text)));
    const first = from ?? to;
    roll.choose(first === null ? null : [Math.min(first, to ?? first), Math.max(first, to ?? first)]);
    hear();
  });
}
button("more").addEventListener("click", () => edit(withBar(store.take.melody, 1)));
button("less").addEventListener("click", () => edit(withBar(store.take.melody, -1)));
button("undo").addEventListener("click", () => turn(() => store.undo()));
button("redo").addEventListener("click", () => turn(() => store.redo()));
button("play").addEventListener("click", () => {
  if (player.playing) player.stop();
  else if (byId("work").hidden) compare.play();
  else void player.play().catch(tell);
});
for (const id of /** @type {const} */ (["loop", "click", "backing"])) {
  button(id).addEventListener("click", () => {
    store.play({ [id]: !store.manner[id] });
    if (id === "backing" && player.playing) void player.ready().catch(tell);
    if (id === "backing" && store.manner.backing && !player.chords.length) tell("Chords sound where some are asked for, such as G | C | D7 | G.");
  });
}
input("tempo").addEventListener("change", () => store.play({ tempo: Math.max(30, Math.min(300, Number(input("tempo").value) || 110)) }));
byId("grid").append(...Object.entries(GRIDS).reverse().map(([ticks, name]) => html("option", { value: ticks }, name)));
input("grid").addEventListener("change", () => store.play({ grid: Number(input("grid").value) }));
button("theme").addEventListener("click", () => store.play({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" }));
button("link").addEventListener("click", async () => {
  const link = linkOf(store.take);
  history.replaceState(null, "", link);
  await navigator.clipboard?.writeText(link).then(() => tell("The link is copied: it makes this melody again."), () => tell("The link stands in the address bar."));
});
button("open").addEventListener("click", () => input("file").click());
input("file").addEventListener("change", () => {
  void open(input("file").files?.[0]);
  input("file").value = "";
});
byId("alternatives").addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by) front(store.front.current + by);
});

/** @param {() => void} step */
function turn(step) {
  player.stop();
  roll.select(null);
  step();
  judgeLater();
}

window.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input, select, textarea");
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "z" && !typing) button(event.shiftKey ? "redo" : "undo").click();
  else if (command && key === "y" && !typing) button("redo").click();
  else if (key === " " && !typing && !live.shown && !target.closest("button")) button("play").click();
  else return;
  event.preventDefault();
});
for (const name of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
  window.addEventListener(name, (event) => {
    event.preventDefault();
    if (name === "drop") void open(event.dataTransfer?.files[0]);
    byId("drop").hidden = name === "drop" || (name === "dragleave" && event.relatedTarget === null);
  });
}
window.addEventListener("hashchange", follow);

/** Make what the page's address asks for. */
function follow() {
  const said = linked();
  if (said?.request) {
    controls.values = said.request;
    void generate(said.request, "making the melody of the link again …", said.index ?? 0);
  } else if (said?.melody) bring([take(said.melody)], "the melody of the link");
  if (said) history.replaceState(null, "", location.pathname);
}

store.listen(show);
show();
follow();
judgeLater();
Object.assign(window, { studio: { store, player, live } });
document.body.dataset.ready = "";
