// Notes that begin and end on command, each at its exact time. Nothing hangs: silence ends everything.

/** @import {Player} from "./player.js" */

const FADE = 0.09; // seconds in which a note dies away once its key is up
const DRIFT = 0.008; // seconds that the two clocks may seem to part, by how coarsely they are read

/** @typedef {{source: AudioBufferSourceNode, envelope: GainNode, start: number}} Sounding */

export class Sampler {
  /** @param {Player} player  whose instrument it plays */
  constructor(player) {
    this.player = player;
    /** @type {Map<number, AudioBuffer>} */
    this.sounds = new Map();
    /** @type {Map<string, Sounding>} */
    this.keys = new Map(); // sounding, or about to, by who plays and what
    this.lead = 0; // seconds by which the audio clock is ahead of performance.now()
    this.late = 0; // notes that came after their time
    this.count = 0;
  }

  /** Fetch the sounds of some pitches, a few at a time. @param {number[]} pitches */
  async ready(pitches) {
    const waiting = pitches.filter((pitch) => !this.sounds.has(pitch));
    const fetch = async () => {
      for (let pitch = waiting.shift(); pitch !== undefined; pitch = waiting.shift()) {
        this.sounds.set(pitch, await this.player.buffer(pitch));
      }
    };
    await Promise.all([fetch(), fetch()]);
  }

  /** The audio clock's time of a moment of performance.now(). @param {number} stamp  milliseconds */
  time(stamp) {
    const { context } = this.player;
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
    const lead = performanceTime ? contextTime - performanceTime / 1000 : context.currentTime - performance.now() / 1000;
    if (Math.abs(lead - this.lead) > DRIFT) this.lead = lead;
    return stamp / 1000 + this.lead;
  }

  /**
   * Begin a note; one of the same name ends.
   * @param {string} who
   * @param {number} pitch
   * @param {number} velocity  1 to 127
   * @param {number | null} stamp  when, in milliseconds as of performance.now(); null for at once
   */
  start(who, pitch, velocity, stamp) {
    const { context } = this.player;
    this.stop(who, pitch, stamp);
    this.count += 1;
    const due = stamp === null ? context.currentTime : this.time(stamp);
    if (due < context.currentTime) this.late += 1;
    const found = this.nearest(pitch);
    if (!found) return;
    const start = Math.max(due, context.currentTime);
    const envelope = new GainNode(context, { gain: (velocity / 127) ** 1.5 });
    const source = new AudioBufferSourceNode(context, { buffer: found.buffer, playbackRate: 2 ** ((pitch - found.pitch) / 12) });
    source.connect(envelope).connect(/** @type {GainNode} */ (this.player.out));
    source.start(start);
    const key = `${who} ${pitch}`;
    const sounding = { source, envelope, start };
    source.onended = () => this.keys.get(key) === sounding && this.keys.delete(key);
    this.keys.set(key, sounding);
  }

  /** End a note. One that has not begun by then never does. @param {string} who @param {number} pitch @param {number | null} stamp */
  stop(who, pitch, stamp) {
    const key = `${who} ${pitch}`;
    const sounding = this.keys.get(key);
    if (!sounding) return;
    const { currentTime } = this.player.context;
    const end = stamp === null ? currentTime : Math.max(this.time(stamp), currentTime);
    const { source, envelope, start } = sounding;
    if (end <= start) {
      source.stop();
      this.keys.delete(key);
      return;
    }
    envelope.gain.cancelScheduledValues(0);
    envelope.gain.setTargetAtTime(0, end, FADE / 3);
    source.stop(end + FADE * 2);
  }

  silence() {
    for (const { source } of this.keys.values()) source.stop();
    this.keys.clear();
  }

  /** How many notes sound, or are about to. */
  get sounding() {
    return this.keys.size;
  }

  /** The sound of a pitch, or of the nearest that is here. @param {number} wanted */
  nearest(wanted) {
    const pitches = [...this.sounds.keys()].sort((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted));
    const buffer = pitches.length ? this.sounds.get(pitches[0]) : undefined;
    return buffer ? { pitch: pitches[0], buffer } : null;
  }
}
