// The page: what the person does becomes work in the store, and what is in the store is shown.

import { showAlternatives } from "./alternatives.js";
import * as api from "./api.js";
import { certificateOf, originalityOf } from "./certificate.js";
import { ChordTracks } from "./chords.js";
import { Compare } from "./compare.js";
import { giveCommands } from "./commands.js";
import { Controls } from "./controls.js";
import { byId, html } from "./dom.js";
import { offer } from "./downloads.js";
import { groupsOf, groupsOfLive } from "./fields.js";
import { giveHelp } from "./help.js";
import { Judging } from "./judging.js";
import { Library } from "./library.js";
import { LibraryPanel } from "./library-panel.js";
import { Live } from "./live.js";
import { barsAsked, barsOf, placeName, silence, summary, withBar } from "./melody.js";
import { Opening } from "./opening.js";
import { climaxAt, contourOf, planOf, withFixed } from "./plan.js";
import { Player } from "./player.js";
import { presetsOf } from "./presets.js";
import { Roll } from "./roll.js";
import { Score } from "./score.js";
import { addressOf, linkOf } from "./share-link.js";
import { openShelf } from "./shelf.js";
import { giveShortcuts } from "./shortcuts.js";
import { Store } from "./store.js";
import { reportOf } from "./study.js";
import { setTheory } from "./theory.js";
import { giveTransport, showTransport } from "./transport.js";
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
  ruled: (line) => {
    const { melody } = store.take;
    const { fixed = "" } = controls.values;
    if (roll.pen === "fixed") controls.put("fixed", withFixed(fixed, line[0], melody));
    else if (roll.pen === "climax") controls.put("climax", climaxAt(line[0], melody));
    else controls.put("contour", contourOf(line, roll.grid));
  },
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
const live = new Live(player, models, groupsOfLive(terms), store.manner.live, {
  composed: (melodies, tempo) => {
    const takes = Object.values(melodies).map((melody) => take({ ...melody, tempo }));
    void opening.bring({ takes, current: 0 }, "Played live", `played live: ${Object.keys(melodies).join(", ").toLowerCase()}`);
  },
  kept: (settings) => store.play({ live: settings }),
});
const controls = new Controls(byId("fields"), groupsOf(terms, models), () => {
  if (document.body.dataset.ready === undefined) return; // what stood there is put there again
  store.fields = controls.values;
  store.keep();
  show();
});
controls.values = Object.keys(store.fields).length ? store.fields : null;
const presets = presetsOf(models);
const writing = new Writing(store, { tell, drawn: showDraft, progress });
const judging = new Judging(store, show);
const opening = new Opening(store, terms, {
  tell,
  leave: () => look("compose"),
  fill: (request) => (controls.values = request),
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
  roll.showPlan(planOf(controls.values, melody));
  score.show(melody);
  hear();
  const again = () => judging.look(true);
  byId("certificate").replaceChildren(...certificateOf(store.take, judging.problem, again));
  byId("originality").replaceChildren(...originalityOf(store.take, judging.problem, again));
  announceVerdict();
  byId("about").textContent = summary(melody);
  byId("score").setAttribute("aria-label", `Score: ${summary(melody)}`);
  showAlternatives(store.front, (number) => void front(number));
  const away = !!byId("work").hidden;
  button("undo").disabled = !item.past.length || pending !== null || away;
  button("redo").disabled = !item.future.length || pending !== null || away;
  button("link").disabled = !melody.notes.length || pending !== null || away;
  for (const id of ["rewrite", "continue", "vary", "harmonise"]) button(id).disabled = writing.running || !melody.notes.length;
  for (const id of ["more", "less"]) button(id).disabled = pending !== null;
  for (const format of byId("downloads").children) /** @type {HTMLButtonElement} */ (format).disabled = pending !== null;
  showTransport(store);
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

/** A broken rule is announced, once for each certificate. */
function announceVerdict() {
  const { certificate } = store.take;
  if (!certificate || certificate === announced) return;
  announced = certificate;
  const broken = certificate.rules.filter(({ verdict }) => verdict === "broken").map(({ rule }) => rule.replaceAll("_", " "));
  if (broken.length) say(`broken: ${broken.join(", ")}`);
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
  for (const name of ["model", "count", "rank"]) controls.disable(name, view === "compare");
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
  const { seed = Math.floor(Math.random() * 1e6), rank, ...asked } = controls.values;
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
giveCommands(store, controls, writing, terms.rules, { tell, chosen: choose, hush: () => player.stop() });
giveTransport(store, player, compare, tell, (tempo) => describe({ tempo }, `tempo ${tempo}`));
giveShortcuts(opening, tell, () => live.shown);
giveHelp(!store.manner.toured, () => store.play({ toured: true }));
byId("preset").append(...Object.keys(presets).map((name) => html("option", { value: name }, name)));
byId("preset").addEventListener("change", () => {
  const { model, count, seed, temperature } = controls.values;
  controls.values = { model, count, seed, temperature, ...presets[input("preset").value] };
  input("preset").value = "";
});
for (const id of /** @type {const} */ (["title", "composer"])) {
  input(id).addEventListener("change", () => describe({ [id]: input(id).value.trim() }, id));
}
input("name").addEventListener("change", () => void store.rename(input("name").value));
input("part").addEventListener("change", () => void opening.part(Number(input("part").value)).catch(tell));
byId("grid").append(...Object.entries(GRIDS).reverse().map(([ticks, name]) => html("option", { value: ticks }, name)));
input("pen").addEventListener("change", () => (roll.pen = input("pen").value));
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
