// The page: what the person does becomes work in the store, and what is in the store is shown.

import * as api from "./api.js";
import { certificateOf, originalityOf } from "./certificate.js";
import { ChordTracks } from "./chords.js";
import { Compare } from "./compare.js";
import { Controls, withoutFrame } from "./controls.js";
import { byId, html } from "./dom.js";
import { offer } from "./downloads.js";
import { Judging } from "./judging.js";
import { Library } from "./library.js";
import { LibraryPanel } from "./library-panel.js";
import { Live } from "./live.js";
import { barsAsked, barsOf, placeName, silence, withBar } from "./melody.js";
import { Opening } from "./opening.js";
import { Player } from "./player.js";
import { Roll } from "./roll.js";
import { Score } from "./score.js";
import { addressOf, linkOf } from "./share-link.js";
import { openShelf } from "./shelf.js";
import { Store } from "./store.js";
import { reportOf } from "./study.js";
import { tapped } from "./tempo.js";
import { pitchName, setTheory } from "./theory.js";
import { Writing, take } from "./writing.js";

/** @import {Melody, Request, Take} from "./types.js" */

const GRIDS = { 48: "half note", 24: "quarter", 12: "eighth", 8: "triplet", 6: "sixteenth", 3: "32nd" };
const VIEWS = ["compose", "compare", "live"];
const LIBRARY = "melodysynthesis-studio";

const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (byId(id));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

const [terms, models, theory] = await Promise.all([api.terms(), api.models(), api.theory()]).catch(unreachable);
setTheory(theory);
const channel = new BroadcastChannel(LIBRARY);
const library = new Library(await openShelf(LIBRARY), channel);
const store = await Store.open(library, () => ({ takes: [take(silence(8, [3, 4], { tonic: "G", mode: "major" }))], current: 0 }));
store.failed = (/** @type {Error} */ error) => tell(new Error(`This change is not saved (${error.message}). Export your library, and delete what you do not need.`));

// ---- the parts

const score = new Score(byId("score"), (number) => roll.pick(number));
const player = new Player((tick, note) => {
  document.body.classList.toggle("playing", player.playing);
  button("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
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
  said: say,
  refused: tell,
  sought: (tick) => player.seek(tick),
});
const compare = new Compare(byId("rows"), byId("beside"), models, {
  opened: (one) => {
    const { model, seed } = one.request ?? {};
    void opening.bring({ takes: [one], current: 0 }, `${model}, seed ${seed}`, "from Compare").then(() => tell(`the melody of ${model}`));
  },
  played: (one) => {
    const row = compare.sounding;
    player.stop();
    compare.sounding = row;
    player.melody = one.melody;
    player.within = null;
    void chords.fetch(chartOf(one), one.melody).then((found) => {
      player.chords = found;
      return player.play();
    }).catch(tell);
  },
  failed: tell,
});
const chords = new ChordTracks(() => {
  if (compare.sounding) return;
  show();
  if (player.playing && store.manner.backing) void player.ready().catch(tell);
});
const live = new Live(player, models, store.manner.live, {
  composed: (melodies, tempo) => {
    const takes = Object.values(melodies).map((melody) => take({ ...melody, tempo }));
    void opening.bring({ takes, current: 0 }, "Played live", `played live: ${Object.keys(melodies).join(", ").toLowerCase()}`);
  },
  kept: (settings) => store.play({ live: settings }),
});
const controls = new Controls(byId("fields"), terms, models, () => {
  store.fields = controls.values;
  store.keep();
  show();
});
controls.values = Object.keys(store.fields).length ? store.fields : null;
const writing = new Writing(store, { tell, drawn: showDraft, progress });
const judging = new Judging(store, show);
const opening = new Opening(store, terms, {
  tell,
  leave: () => look("compose"),
  fill: (request) => {
    controls.values = request;
    store.fields = controls.values;
    store.keep();
  },
  write: (request, doing, current) => writing.run(request, doing, current),
  parts: showParts,
});
const panel = new LibraryPanel(store, tell, () => look("compose"));
channel.addEventListener("message", ({ data }) => {
  store.changedElsewhere(data);
  panel.refresh();
});
offer(byId("downloads"), terms.downloads, () => ({ take: store.take, name: store.item.name, tempo: tempo(), chords: soundingChords(), backing: store.manner.backing }), tell);
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

/** The page can't work. @param {Error} error @returns {never} */
function unreachable(error) {
  byId("failed").hidden = false;
  byId("failed-why").textContent = error.message;
  button("failed-again").addEventListener("click", () => location.reload());
  throw error;
}

/** For people who listen to the page. @param {string} text */
function say(text) {
  byId("live").textContent = text;
}

/** Quarters a minute of what is shown. */
function tempo() {
  return Math.max(30, Math.min(300, Math.round(store.take.melody.tempo ?? store.manner.tempo)));
}

/** The chart under a melody without chords of its own: of its request, or else what the form says. @param {Take} one */
function chartOf({ request, melody }) {
  if (melody.chords?.length) return "";
  return request ? request.chords ?? "" : controls.values.chords ?? "";
}

function soundingChords() {
  return chords.of(chartOf(store.take), store.take.melody);
}

let shown = store.item.id;

function show() {
  const { manner, pending, item } = store;
  const { melody, surprise } = store.take;
  if (item.id !== shown) {
    shown = item.id;
    player.stop();
    roll.select(null);
    choose(null);
    showParts(null);
  }
  roll.grid = manner.grid;
  if (!store.saving) roll.show(melody, pending !== null, surprise, soundingChords());
  score.show(melody);
  hear();
  const again = () => judging.look(true);
  byId("certificate").replaceChildren(...certificateOf(store.take, judging.problem, again));
  byId("originality").replaceChildren(...originalityOf(store.take, judging.problem, again));
  announceVerdict();
  byId("about").textContent = summary(melody);
  byId("score").setAttribute("aria-label", `Score: ${summary(melody)}`);
  showTakes();
  const away = !!byId("work").hidden;
  button("undo").disabled = !item.past.length || pending !== null || away;
  button("redo").disabled = !item.future.length || pending !== null || away;
  button("link").disabled = !melody.notes.length || pending !== null || away;
  for (const id of ["rewrite", "continue", "vary"]) button(id).disabled = writing.running || !melody.notes.length;
  for (const id of ["more", "less"]) button(id).disabled = pending !== null;
  for (const format of byId("downloads").children) /** @type {HTMLButtonElement} */ (format).disabled = pending !== null;
  for (const id of /** @type {const} */ (["loop", "click", "backing", "countin"])) button(id).setAttribute("aria-pressed", String(manner[id]));
  for (const id of /** @type {const} */ (["melody", "chords", "click"])) input(`volume-${id}`).value = String(manner.volumes[id]);
  for (const [id, value] of [["name", item.name], ["title", melody.title ?? ""], ["composer", melody.composer ?? ""], ["tempo", tempo()]]) {
    if (document.activeElement !== byId(String(id))) input(String(id)).value = String(value);
  }
  for (const id of ["title", "composer"]) input(id).disabled = pending !== null;
  input("grid").value = String(manner.grid);
  document.title = `${item.name} – MelodySynthesis studio`;
  document.documentElement.dataset.theme = manner.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  judging.look();
}

/** @type {unknown} */
let announced = null;

/** A broken rule is said aloud, once for each certificate. */
function announceVerdict() {
  const { certificate } = store.take;
  if (!certificate || certificate === announced) return;
  announced = certificate;
  const broken = certificate.rules.filter(({ verdict }) => verdict === "broken").map(({ rule }) => rule.replaceAll("_", " "));
  if (broken.length) say(`broken: ${broken.join(", ")}`);
}

function showTakes() {
  const { takes, current } = store.front;
  const listed = takes.length > 1 ? takes : [];
  const focused = byId("alternatives").contains(document.activeElement);
  byId("alternatives").replaceChildren(...listed.map(({ certificate, edited, melody }, number) => {
    const certified = certificate?.verdict === "kept" && !edited ? " certified" : "";
    const title = melody.title && takes.some((other) => other.melody.title !== melody.title) ? melody.title : "";
    const tab = html("button", {
      type: "button", role: "tab", class: certified, "aria-selected": String(number === current), tabindex: number === current ? 0 : -1,
      "aria-controls": "roll-card", "aria-label": title ? `${number + 1}: ${title}` : `Alternative ${number + 1}`, title: title || null,
    }, title ? `${number + 1} ${title.length > 24 ? `${title.slice(0, 23)}…` : title}` : String(number + 1));
    tab.addEventListener("click", () => void front(number));
    return tab;
  }));
  if (focused) /** @type {HTMLElement | undefined} */ (byId("alternatives").children[current])?.focus();
}

/** @param {{count: number, taken: number} | null} parts  of the file that is shown */
function showParts(parts) {
  byId("parts").hidden = !parts;
  const options = Array.from({ length: parts?.count ?? 0 }, (_, at) => html("option", { value: at + 1, selected: at + 1 === parts?.taken }, String(at + 1)));
  byId("part").replaceChildren(...options);
}

/** @param {number | null} share  of what is being written; null for nothing */
function progress(share) {
  const focused = [button("generate"), button("stop")].includes(/** @type {any} */ (document.activeElement));
  button("generate").hidden = share !== null;
  button("stop").hidden = share === null;
  byId("progress").hidden = share === null;
  /** @type {HTMLProgressElement} */ (byId("progress")).value = share ?? 0;
  if (focused) button(share === null ? "generate" : "stop").focus();
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
  if (compare.sounding) return;
  const { melody } = store.take;
  player.melody = melody;
  player.manner = { ...store.manner, tempo: tempo() };
  player.chords = soundingChords();
  const bars = barsOf(melody).filter(({ number }) => roll.bars && number >= roll.bars[0] && number <= roll.bars[1]);
  player.within = bars.length ? [bars[0].start, bars[bars.length - 1].end] : null;
}

// ---- doing

/** @param {number} number  of the melody to show */
function front(number) {
  const { takes } = store.front;
  player.stop();
  roll.select(null);
  return store.bringForward((number + takes.length) % takes.length);
}

/** A change by hand. @param {Melody} melody @param {string} what */
function edit(melody, what) {
  void store.change({ melody: { ...melody, source: "" }, edited: true, certificate: null, originality: null, surprise: null }, what);
}

/** Something about the melody that is no note of it. @param {Partial<Melody>} about @param {string} what */
function describe(about, what) {
  const { melody } = store.take;
  void store.change({ melody: { ...melody, ...about } }, what);
}

/** @param {[number, number] | null} bars */
function choose(bars) {
  roll.choose(bars);
  input("from").value = bars ? String(bars[0]) : "";
  input("to").value = bars ? String(bars[1]) : "";
  hear();
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

/** @type {AbortController | null} */
let comparing = null;

/** One request through every model; they share its seed. */
async function compareAll() {
  writing.stop();
  comparing?.abort();
  player.stop();
  const stop = (comparing = new AbortController());
  const { seed = Math.floor(Math.random() * 1e6), ...asked } = controls.values;
  progress(0);
  tell(`${models.length} models and baselines are writing …`);
  const failed = await compare.run({ ...asked, seed }, stop.signal).catch((error) => (tell(error), true));
  if (comparing !== stop) return;
  comparing = null;
  if (!writing.running) progress(null);
  if (stop.signal.aborted) tell("stopped");
  else if (!failed) tell(`Seed ${seed}. The bars under the notes: bits of each under the model that wrote it.`);
}

let drawing = 0;

function showDraft() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    if (!store.pending) return;
    const { melody } = store.take;
    roll.show(melody, true, null, soundingChords());
    score.show(melody);
    player.melody = melody;
    byId("about").textContent = summary(melody);
  });
}

// ---- what buttons and keys do

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byId("compare").hidden) return void compareAll();
  player.stop();
  roll.select(null);
  choose(null);
  void writing.run(controls.values, "writing …");
});
for (const view of VIEWS) button(`view-${view}`).addEventListener("click", () => look(view));
button("stop").addEventListener("click", () => {
  writing.stop();
  comparing?.abort();
});

/** The rules of the form, for a melody that is there. */
function rulesHere() {
  const { key, seed, ...rules } = withoutFrame(controls.values);
  return rules;
}

button("continue").addEventListener("click", () => {
  const { melody } = store.take;
  const { bars = 8 } = controls.values;
  const there = barsOf(melody).filter((bar) => bar.number > 0).length;
  const { form, ...rules } = rulesHere();
  player.stop();
  void writing.run({ ...rules, primers: [melody], bars: there + bars }, `going on from bar ${there + 1} …`);
});
button("rewrite").addEventListener("click", () => {
  const { melody } = store.take;
  try {
    const bars = barsAsked(input("from").value, input("to").value, melody);
    if (!bars) return tell(new Error("Choose the bars to rewrite first: click their numbers over the notes, or fill in the fields."));
    choose(bars);
    const [from, to] = bars;
    player.stop();
    void writing.run({ ...rulesHere(), within: melody, rewrite: `${from}-${to}` }, `writing ${from === to ? `bar ${from}` : `bars ${from} to ${to}`} anew …`);
  } catch (error) {
    tell(error);
  }
});
button("vary").addEventListener("click", async () => {
  const { melody, request } = store.take;
  const keep = input("keep").value;
  try {
    const asked = await api.vary(melody, [keep], { model: request?.model ?? controls.values.model, count: controls.values.count ?? 3 });
    player.stop();
    void writing.run(asked, `writing others with this ${keep === "strong" ? "melody’s strong beats" : keep} …`);
  } catch (error) {
    tell(error);
  }
});
for (const id of ["from", "to"]) {
  input(id).addEventListener("change", () => {
    try {
      const bars = barsAsked(input("from").value, input("to").value, store.take.melody);
      roll.choose(bars);
      hear();
    } catch (error) {
      tell(error);
    }
  });
}
button("more").addEventListener("click", () => edit(withBar(store.take.melody, 1), "a bar added"));
button("less").addEventListener("click", () => edit(withBar(store.take.melody, -1), "a bar removed"));
button("undo").addEventListener("click", () => turn(() => store.undo()));
button("redo").addEventListener("click", () => turn(() => store.redo()));
button("play").addEventListener("click", () => {
  if (player.playing && compare.sounding) player.stop();
  else if (player.playing) player.pause();
  else if (byId("work").hidden) compare.play();
  else void player.play().catch(tell);
});
button("halt").addEventListener("click", () => player.stop());
for (const id of /** @type {const} */ (["loop", "click", "backing", "countin"])) {
  button(id).addEventListener("click", () => {
    store.play({ [id]: !store.manner[id] });
    if (id === "backing" && player.playing) void player.ready().catch(tell);
    if (id === "backing" && store.manner.backing && !player.chords.length) tell("Write chords in the form first, such as G | C | D7 | G.");
  });
}
for (const id of /** @type {const} */ (["melody", "chords", "click"])) {
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

/** @param {number} wanted  quarters a minute, of this melody and of those to come */
function setTempo(wanted) {
  const tempo = Math.max(30, Math.min(300, Math.round(wanted) || 110));
  store.play({ tempo });
  if (store.take.melody.tempo && store.take.melody.tempo !== tempo && !store.pending) describe({ tempo }, `tempo ${tempo}`);
}

for (const id of /** @type {const} */ (["title", "composer"])) {
  input(id).addEventListener("change", () => describe({ [id]: input(id).value.trim() }, id));
}
input("name").addEventListener("change", () => void store.rename(input("name").value));
input("part").addEventListener("change", () => void opening.part(Number(input("part").value)).catch(tell));
byId("grid").append(...Object.entries(GRIDS).reverse().map(([ticks, name]) => html("option", { value: ticks }, name)));
input("grid").addEventListener("change", () => store.play({ grid: Number(input("grid").value) }));
button("theme").addEventListener("click", () => store.play({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" }));
button("new").addEventListener("click", () => {
  const [, beats = 3, unit = 4] = store.take.melody.meters[0] ?? [];
  const { key } = store.take.melody;
  void opening.bring({ takes: [take(silence(8, [beats, unit], key))], current: 0 }, "Untitled", "new").then(() => tell("a new melody; the others are in the library"));
});
button("link").addEventListener("click", async () => {
  try {
    const link = linkOf(store.take);
    const address = addressOf(link, location);
    history.replaceState({ own: true }, "", link); // the page that made it does not follow it again
    const how = address === link ? "The link is copied. Paste it on any studio’s page, or put it after its address." : "The link is copied: it makes this melody again.";
    await navigator.clipboard?.writeText(address).then(() => tell(how), () => tell("The link is in the address bar."));
  } catch (error) {
    tell(error);
  }
});
button("open").addEventListener("click", () => input("file").click());
input("file").addEventListener("change", () => {
  void opening.files(input("file").files ?? []);
  input("file").value = "";
});
byId("alternatives").addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by) void front(store.front.current + by);
});

/** @param {() => unknown} step */
function turn(step) {
  player.stop();
  roll.select(null);
  step();
}

window.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input:not([type=range], [type=checkbox]), select, textarea");
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (document.querySelector("dialog[open]")) return;
  if (command && key === "z" && !typing) button(event.shiftKey ? "redo" : "undo").click();
  else if (command && key === "y" && !typing) button("redo").click();
  else if (key === " " && !typing && !live.shown && !target.closest("button, summary, input")) button("play").click();
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
window.addEventListener("hashchange", follow);
window.addEventListener("beforeunload", (event) => {
  if (store.saving) event.preventDefault();
});

/** Open what the page's address says, unless this page wrote it there. */
function follow() {
  if (history.state?.own || !location.hash) return;
  opening.link(location.hash);
  history.replaceState(null, "", location.pathname);
}

store.listen(show);
document.body.dataset.ready = "";
show();
follow();
Object.assign(window, { studio: { store, player, live, library, roll, score } });
