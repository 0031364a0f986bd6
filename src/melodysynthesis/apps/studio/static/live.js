// Playing live: what the person plays goes to the studio and is heard at once; what the model plays comes back ahead of
// its time, and is heard when it is due.

import { Controls } from "./controls.js";
import { byId, html } from "./dom.js";
import { save } from "./downloads.js";
import { Keyboard } from "./keyboard.js";
import { Keyboards } from "./midi.js";
import { LiveSettings } from "./live-settings.js";
import { ScrollingRoll } from "./scrolling-roll.js";
import { Sampler } from "./sampler.js";
import { LiveSocket } from "./live-socket.js";
import { pitchName } from "./theory.js";

/** @import {Group} from "./fields.js" */
/** @import {Melody, Model} from "./types.js" */
/** @import {Player} from "./player.js" */

const CLICKS = 9; // the channel of the metronome
const HIGH_CLICK = 76;
const SOUNDS = Array.from({ length: 49 }, (_, n) => 40 + n); // that are fetched: what models and most people play
const HESITATION = 200; // milliseconds: an answer is written before it is sure that the phrase is over
const PATIENCE = 3000; // milliseconds for the recording to come when the view is left

/**
 * @typedef {object} Hands
 * @property {(melodies: Record<string, Melody>, tempo: number) => void} composed  what was played is to be worked on
 * @property {(settings: Record<string, any>) => void} kept
 */
/** @typedef {{person: number, model: number, midi: string, melodies: Record<string, Melody>}} Recording */

export class Live {
  /** @param {Player} player @param {Model[]} models @param {Group[]} rules @param {Record<string, any>} settings @param {Hands} hands */
  constructor(player, models, rules, settings, hands) {
    this.player = player;
    this.hands = hands;
    this.shown = false;
    /** @type {"off" | "waiting" | "on"} */
    this.state = "off";
    this.tempo = 100;
    this.bars = 0; // lines that the metronome has struck
    this.notes = 0; // of both, since the beginning
    this.remark = 0; // timer of the latest line of the studio
    this.called = 0; // when the person's last key went up; 0 once that was answered
    /** @type {Recording | null} */
    this.recording = null;
    /** @type {((recording: Recording) => void) | null} */
    this.wanted = null;
    this.sampler = new Sampler(player);
    this.settings = new LiveSettings(byId("live-fields"), models.filter((model) => !model.baseline), () => this.keep());
    this.rules = new Controls(byId("live-rules"), rules, () => this.keep(), "live-rule");
    this.settings.values = settings;
    this.rules.values = settings.rules ?? null;
    this.socket = new LiveSocket({ said: (message) => this.take(message), lost: () => this.lost(), measured: () => this.measure() });
    this.keyboard = new Keyboard(byId("keyboard"), {
      down: (pitch, velocity, stamp) => this.play([0x90, pitch, velocity], stamp),
      up: (pitch, stamp) => this.play([0x80, pitch, 0], stamp),
      moved: (lowest) => this.say(`the keyboard begins at ${pitchName(lowest, null)}`),
    });
    this.midi = new Keyboards((data, stamp) => this.play(data, stamp), () => this.list());
    this.scroll = new ScrollingRoll(/** @type {HTMLCanvasElement} */ (byId("tape")), (sounding) => this.keyboard.light(sounding));
    this.listen();
    this.list();
    this.tell();
  }

  keep() {
    if (document.body.dataset.ready !== undefined) this.hands.kept({ ...this.settings.values, rules: this.rules.values });
  }

  listen() {
    byId("perform").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.state === "off") void this.begin();
      else this.end();
    });
    byId("panic").addEventListener("click", () => this.panic());
    byId("lower").addEventListener("click", () => this.keyboard.shift(-1));
    byId("higher").addEventListener("click", () => this.keyboard.shift(1));
    byId("find-midi").addEventListener("click", () => void this.find());
    byId("live-input").addEventListener("change", (event) => this.midi.choose(/** @type {HTMLSelectElement} */ (event.target).value));
    byId("live-file").addEventListener("click", () => this.ask((recording) => save(fileOf(recording.midi), "live.mid")));
    byId("live-compose").addEventListener("click", () => this.ask((recording) => this.hands.composed(recording.melodies, this.tempo)));
    window.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("keyup", (event) => this.keyboard.keyup(event));
    window.addEventListener("blur", () => this.keyboard.release(performance.now()));
    document.addEventListener("visibilitychange", () => document.hidden && this.shown && this.panic());
    window.addEventListener("pagehide", () => this.socket.close());
  }

  /** @param {boolean} on */
  show(on) {
    if (on === this.shown) return;
    this.shown = on;
    byId("perform").hidden = byId("stage").hidden = !on;
    if (on) {
      this.socket.open(); // so that its model is ready when it is wanted
      this.scroll.roll();
      void this.sampler.ready(SOUNDS).catch((error) => this.say(error.message, true));
    } else {
      this.silence();
      this.scroll.rest();
      if (this.state === "off") this.socket.close();
      else this.end(); // and the socket is closed when the recording has come
    }
  }

  // ---- beginning and ending

  async begin() {
    this.state = "waiting";
    this.say("getting ready …");
    this.tell();
    try {
      await this.player.context.resume();
    } catch (error) {
      return this.say(/** @type {Error} */ (error).message, true);
    }
    Object.assign(this, { notes: 0, bars: 0, called: 0, recording: null });
    this.sampler.count = this.sampler.late = 0;
    this.tempo = Number(this.settings.values.tempo) || 100;
    this.socket.open();
    const { message } = this.settings;
    this.socket.send({ ...message, request: { ...message.request, ...this.rules.values } });
  }

  end() {
    this.silence();
    this.socket.send({ type: "stop" });
    this.rest("your turn is over: keep what you played, or start again");
    if (!this.shown) setTimeout(() => this.shown || this.socket.close(), PATIENCE);
  }

  /** @param {string} text @param {boolean} mistake */
  rest(text, mistake = false) {
    this.state = "off";
    this.say(text, mistake);
    this.tell();
  }

  panic() {
    this.silence();
    this.socket.send({ type: "panic" });
  }

  /** Whatever sounds ends, and all keys are up. */
  silence() {
    const now = performance.now();
    this.keyboard.release(now);
    this.midi.release();
    this.sampler.silence();
    this.scroll.cut(now);
  }

  lost() {
    this.silence();
    if (this.state !== "off") this.rest(this.mistake ?? "The studio does not answer: is it still running?", true);
  }

  // ---- what is played

  /** The person plays. @param {number[]} data  a MIDI message @param {number} stamp  milliseconds, as of performance.now() */
  play(data, stamp) {
    const [kind, pitch, velocity] = data;
    if (kind === 0x90) {
      this.scroll.start("yours", pitch, stamp);
      if (this.own) this.sampler.start("yours", pitch, velocity, null);
      void this.player.context.resume();
    } else if (kind === 0x80) {
      this.scroll.stop("yours", pitch, stamp);
      this.sampler.stop("yours", pitch, null);
    }
    if (this.state !== "on") return;
    this.socket.send({ type: "midi", data, at: this.socket.there(stamp) });
    if (kind === 0x80) this.called = stamp;
    if (kind !== 0x90) return;
    clearTimeout(this.remark); // the phrase was not over
    this.noted();
  }

  /** The model plays. @param {number[]} data @param {number} stamp */
  heard([status, pitch, velocity], stamp) {
    const kind = status & 0xf0;
    if ((status & 0x0f) === CLICKS) {
      if (kind === 0x90) this.beat(pitch === HIGH_CLICK, stamp);
    } else if (kind === 0x90) {
      this.sampler.start("model", pitch, velocity, stamp);
      this.scroll.start("model", pitch, stamp);
      this.noted();
      this.answered(stamp);
    } else if (kind === 0x80) {
      this.sampler.stop("model", pitch, stamp);
      this.scroll.stop("model", pitch, stamp);
    }
  }

  /** @param {boolean} strong @param {number} stamp */
  beat(strong, stamp) {
    this.bars += strong ? 1 : 0;
    this.scroll.beat(stamp, strong);
    const counted = this.settings.values.click === "count-in" && this.bars > 1;
    if (!counted) this.player.knock(Math.max(this.sampler.time(stamp), this.player.context.currentTime), strong);
    setTimeout(() => byId("lamp").classList.toggle("strong", strong), stamp - performance.now());
    setTimeout(() => byId("lamp").animate([{ opacity: 1 }, { opacity: 0.15 }], 260), stamp - performance.now());
  }

  noted() {
    this.notes += 1;
    if (this.notes === 1) this.tell();
    byId("late").textContent = `${this.sampler.late} of ${this.sampler.count}`;
  }

  /** The first note of an answer. @param {number} stamp  when it is due */
  answered(stamp) {
    if (!this.called || this.settings.values.mode !== "turns") return;
    byId("answer").textContent = `${((stamp - this.called) / 1000).toFixed(2)} s`;
    this.called = 0;
  }

  get own() {
    return /** @type {HTMLInputElement} */ (byId("live-own")).checked;
  }

  // ---- what the studio says

  /** @param {any} message */
  take(message) {
    if (message.type === "midi") this.heard(message.data, this.socket.here(message.at));
    else if (message.type === "said") this.remark = setTimeout(() => this.say(message.text), HESITATION);
    else if (message.type === "written") byId("written").textContent = `${Math.round(message.seconds * 1000)} ms`;
    else if (message.type === "ready") this.ready();
    else if (message.type === "recording") this.recorded(message);
    else if (message.type === "mistake") {
      this.mistake = message.message;
      if (this.state === "waiting") this.rest(message.message, true);
      else this.say(message.message, true);
    }
  }

  ready() {
    this.state = "on";
    this.mistake = undefined;
    const { mode, click } = this.settings.values;
    const when = click ? "with the metronome" : "when you like; the beat begins with your first note";
    this.say(mode === "turns" ? `Play a phrase, ${when}.` : `Play, ${when}; the model joins in after a bar.`);
    this.tell();
  }

  measure() {
    const { trip } = this.socket;
    if (trip !== null) byId("trip").textContent = `${(trip * 1000).toFixed(1)} ms`;
  }

  // ---- what was played, to take away

  /** @param {(recording: Recording) => void} wanted  what is to be done with it */
  ask(wanted) {
    if (this.recording && this.state === "off") return wanted(this.recording);
    this.wanted = wanted;
    this.socket.send({ type: "recording" });
  }

  /** @param {Recording} recording */
  recorded(recording) {
    this.recording = recording;
    const { wanted } = this;
    this.wanted = null;
    this.tell();
    wanted?.(recording);
    if (!this.shown) this.socket.close();
  }

  // ---- MIDI keyboards

  async find() {
    try {
      await this.midi.connect();
      this.list();
      this.choose(this.midi.inputs[0]?.id ?? "");
      this.say(`${this.midi.chosen?.name ?? "A MIDI keyboard"} is connected`);
    } catch (error) {
      this.list();
      this.say(/** @type {Error} */ (error).message, true);
    }
  }

  /** @param {string} id */
  choose(id) {
    this.midi.choose(id);
    /** @type {HTMLSelectElement} */ (byId("live-input")).value = this.midi.chosen?.id ?? "";
  }

  list() {
    const inputs = this.midi.inputs.map((input) => html("option", { value: input.id }, input.name ?? "MIDI keyboard"));
    byId("live-input").replaceChildren(html("option", { value: "" }, "the computer’s keys"), ...inputs);
    /** @type {HTMLSelectElement} */ (byId("live-input")).value = this.midi.chosen?.id ?? "";
  }

  // ---- keys of the computer, and words

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.closest("select, textarea, input:not([type=range], [type=checkbox])");
    if (!this.shown || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.panic();
    else if (!this.keyboard.keydown(event)) return;
    event.preventDefault();
  }

  /** @param {string} text @param {boolean} mistake */
  say(text, mistake = false) {
    byId("said").textContent = text;
    byId("said").classList.toggle("mistake", mistake);
  }

  /** Show the state. */
  tell() {
    const { state, recording } = this;
    this.settings.lock(state !== "off");
    byId("live-rules").inert = state !== "off";
    byId("begin").textContent = { off: "Start", waiting: "Getting ready …", on: "Stop" }[state];
    byId("lamp").hidden = state !== "on";
    const told = recording ? `${recording.person} notes of yours, ${recording.model} of the model` : "Nothing yet";
    byId("take-told").textContent = state === "on" ? "Recording" : told;
    for (const id of ["live-file", "live-compose"]) {
      const empty = state === "on" ? !this.notes : !recording || !(recording.person + recording.model);
      /** @type {HTMLButtonElement} */ (byId(id)).disabled = empty;
    }
  }
}

/** @param {string} text  bytes in base64 */
function fileOf(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "audio/midi" });
}
