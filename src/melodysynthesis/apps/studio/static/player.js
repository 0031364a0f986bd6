// Playback by Web Audio: single notes as the SoundFont plays them, each at its exact time.

import * as api from "./api.js";
import { QUARTER, barsOf, beatsOf } from "./melody.js";
import { meterOf } from "./theory.js";

/** @import {Manner, Melody} from "./types.js" */

const AHEAD = 0.15; // seconds that are scheduled before they sound
const RELEASE = 0.12;
const BACKING = 0.32;

export class Player {
  /** @param {(tick: number | null, note: number | null) => void} follow  told at every frame: where it is, and which note sounds; null at the end */
  constructor(follow) {
    this.follow = follow;
    /** @type {Map<number, Promise<AudioBuffer>>} */
    this.buffers = new Map();
    /** @type {Melody | null} */
    this.melody = null;
    /** @type {{start: number, end: number, pitches: number[]}[]} */
    this.chords = [];
    /** @type {Manner | null} */
    this.manner = null;
    /** @type {[number, number] | null} */
    this.within = null;
    this.playing = false;
    this.at = 0; // tick where it goes on when it is played next
    this.tempo = 110;
    this.begun = 0; // audio clock's time of tick 0
    this.done = 0; // tick up to which all is scheduled; beyond the end, of what comes when it begins again
    /** @type {Map<number, AudioBuffer>} */
    this.sounds = new Map();
    /** @type {Set<AudioScheduledSourceNode>} */
    this.sources = new Set();
  }

  get context() {
    if (!this.made) {
      this.made = new AudioContext({ latencyHint: "interactive" });
      this.out = new GainNode(this.made, { gain: 0.9 });
      this.analyser = new AnalyserNode(this.made, { fftSize: 2048 });
      this.out.connect(this.analyser).connect(this.made.destination);
    }
    return this.made;
  }

  /** The sound of a pitch; fetched once. @param {number} pitch */
  buffer(pitch) {
    let buffer = this.buffers.get(pitch);
    if (!buffer) {
      buffer = api.sound(pitch).then((data) => this.context.decodeAudioData(data));
      buffer.catch(() => this.buffers.delete(pitch));
      this.buffers.set(pitch, buffer);
    }
    return buffer;
  }

  /** Fetch what a melody needs before it is played. */
  async ready() {
    const pitches = new Set(this.melody?.notes.map((note) => note[2]));
    if (this.manner?.backing) for (const chord of this.chords) for (const pitch of chord.pitches) pitches.add(pitch);
    const buffers = await Promise.all([...pitches].map(async (pitch) => /** @type {const} */ ([pitch, await this.buffer(pitch)])));
    this.sounds = new Map(buffers);
  }

  /** A single note, at once. @param {number} pitch */
  async strike(pitch) {
    if (this.playing) return;
    const buffer = await this.buffer(pitch);
    await this.context.resume();
    this.sound(buffer, this.context.currentTime, 0.4, 0.8);
  }

  async play() {
    if (!this.melody?.notes.length) return;
    this.playing = true;
    await Promise.all([this.ready(), this.context.resume()]);
    if (!this.playing) return; // stopped meanwhile
    const [start, end] = this.stretch;
    this.tempo = this.manner?.tempo ?? 110;
    this.enter(this.at > start && this.at < end ? this.at : start, this.manner?.countin ? this.countIn() : 0);
    this.tick();
  }

  /** Go on from a tick, within what sounds there. @param {number} tick @param {number} later  seconds until then */
  enter(tick, later = 0) {
    const time = this.context.currentTime + 0.06 + later;
    this.begun = time - this.seconds(tick);
    this.done = tick;
    const left = (/** @type {number} */ end) => this.seconds(end - tick);
    for (const [onset, length, pitch] of this.melody?.notes ?? []) {
      const buffer = this.sounds.get(pitch);
      if (buffer && onset < tick && onset + length > tick) this.sound(buffer, time, left(onset + length), this.volumes.melody);
    }
    for (const { start, end, pitches } of this.manner?.backing ? this.chords : []) {
      if (start < tick && end > tick) this.chord(pitches, time, left(end));
    }
  }

  /** The beats of a bar, before it begins. @returns {number} seconds */
  countIn() {
    const bar = this.melody && barsOf(this.melody).find(({ number }) => number > 0);
    const { bar: whole, beat } = bar ? meterOf(bar) : { bar: 4 * QUARTER, beat: QUARTER };
    const now = this.context.currentTime + 0.06;
    for (let tick = 0; tick < whole; tick += beat) this.knock(now + this.seconds(tick), tick === 0);
    return this.seconds(whole);
  }

  /** Silence, to go on from here. */
  pause() {
    const [start, end] = this.stretch;
    if (this.playing) this.at = Math.max(start, Math.min(this.tickAt(this.context.currentTime), end - 1));
    this.silence();
    this.follow(this.at, null);
  }

  /** Silence, to start again. */
  stop() {
    this.at = 0;
    this.silence();
    this.follow(null, null);
  }

  silence() {
    this.playing = false;
    clearTimeout(this.timer);
    this.hush();
  }

  hush() {
    for (const source of this.sources) source.stop();
    this.sources.clear();
  }

  /** Go on from another place, now or when it is played next. @param {number} tick */
  seek(tick) {
    const [start, end] = this.stretch;
    this.at = Math.max(start, Math.min(tick, end - 1));
    if (!this.playing) return this.follow(this.at, null);
    this.hush();
    this.enter(this.at);
  }

  get volumes() {
    return this.manner?.volumes ?? { melody: 1, chords: 1, click: 1 };
  }

  /** Start and end in ticks of what is played. @returns {[number, number]} */
  get stretch() {
    return this.within ?? [0, this.melody?.duration ?? 0];
  }

  /** @param {number} ticks */
  seconds(ticks) {
    return ((ticks / QUARTER) * 60) / (this.manner?.tempo ?? 110);
  }

  /** Tick that sounds at a time of the audio clock. @param {number} time */
  tickAt(time) {
    return (((time - this.begun) * (this.manner?.tempo ?? 110)) / 60) * QUARTER;
  }

  /** Schedules what begins soon, and tells where the playback is. */
  tick() {
    if (!this.playing || !this.melody) return;
    const now = this.context.currentTime;
    if (this.tempo !== this.manner?.tempo) this.retime(now);
    const [start, end] = this.stretch;
    const span = end - start;
    const until = Math.min(this.tickAt(now + AHEAD), this.manner?.loop ? end + span : end);
    if (until > this.done) {
      this.schedule(this.done, Math.min(until, end));
      this.schedule(Math.max(this.done, end) - span, until - span, span);
      this.done = until;
    }
    const at = this.tickAt(now);
    if (at >= end) {
      if (!this.manner?.loop) return this.stop();
      this.begun += this.seconds(span);
      this.done -= span;
    }
    const here = Math.max(start, Math.min(at, end));
    const sounding = at < start ? -1 : this.melody.notes.findIndex(([onset, length]) => onset <= here && here < onset + length);
    this.follow(here, sounding < 0 ? null : sounding);
    this.timer = setTimeout(() => this.tick(), 16);
  }

  /** Another tempo from here on. @param {number} now */
  retime(now) {
    const at = (((now - this.begun) * this.tempo) / 60) * QUARTER;
    this.begun = now - this.seconds(at);
    this.tempo = this.manner?.tempo ?? 110;
  }

  /** @param {number} from @param {number} until  ticks of the melody @param {number} later  ticks until they come */
  schedule(from, until, later = 0) {
    const begins = (/** @type {number} */ tick) => tick >= from && tick < until;
    const time = (/** @type {number} */ tick) => this.begun + this.seconds(tick + later);
    for (const [onset, length, pitch] of this.melody?.notes ?? []) {
      const buffer = this.sounds.get(pitch);
      if (buffer && begins(onset)) this.sound(buffer, time(onset), this.seconds(length), this.volumes.melody);
    }
    for (const { start, end, pitches } of this.manner?.backing ? this.chords : []) {
      if (begins(start)) this.chord(pitches, time(start), this.seconds(end - start));
    }
    if (this.manner?.click && this.melody) {
      for (const bar of barsOf(this.melody)) {
        for (const at of beatsOf(bar)) if (begins(at)) this.knock(time(at), at === bar.start && bar.number > 0);
      }
    }
  }

  /** @param {number[]} pitches @param {number} time @param {number} seconds */
  chord(pitches, time, seconds) {
    for (const pitch of pitches) {
      const buffer = this.sounds.get(pitch);
      if (buffer) this.sound(buffer, time, seconds, BACKING * this.volumes.chords);
    }
  }

  /** @param {AudioBuffer} buffer @param {number} time @param {number} seconds @param {number} gain */
  sound(buffer, time, seconds, gain) {
    const envelope = new GainNode(this.context, { gain });
    const source = new AudioBufferSourceNode(this.context, { buffer });
    envelope.gain.setValueAtTime(gain, Math.max(time + seconds - 0.02, 0));
    envelope.gain.setTargetAtTime(0, time + seconds, RELEASE / 3);
    source.connect(envelope).connect(/** @type {GainNode} */ (this.out));
    this.keep(source, time, time + seconds + RELEASE * 3);
  }

  /** A beat of the metronome. @param {number} time @param {boolean} strong */
  knock(time, strong) {
    const envelope = new GainNode(this.context, { gain: 0 });
    const source = new OscillatorNode(this.context, { type: "triangle", frequency: strong ? 1760 : 1174 });
    envelope.gain.setValueAtTime((strong ? 0.35 : 0.2) * Math.max(0.001, this.volumes.click), time);
    envelope.gain.exponentialRampToValueAtTime(0.001, time + 0.06);
    source.connect(envelope).connect(/** @type {GainNode} */ (this.out));
    this.keep(source, time, time + 0.08);
  }

  /** @param {AudioScheduledSourceNode} source @param {number} start @param {number} end */
  keep(source, start, end) {
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
    source.start(start);
    source.stop(end);
  }
}
