// MIDI keyboards, by the browser's WebMIDI.

const CHANNEL = 0x0f;

/** Why there is no MIDI; its message is for people. */
export class NoMidi extends Error {}

export class Keyboards {
  /**
   * @param {(data: number[], stamp: number) => void} played  note-ons, note-offs and orders of silence
   * @param {() => void} changed  keyboards came or went
   */
  constructor(played, changed) {
    this.played = played;
    this.changed = changed;
    /** @type {MIDIAccess | null} */
    this.access = null;
    /** @type {MIDIInput | null} */
    this.chosen = null;
    this.down = new Set(); // pitches
  }

  /** Ask the browser, which may ask the person. */
  async connect() {
    if (!navigator.requestMIDIAccess) {
      throw new NoMidi("This browser has no WebMIDI here (Chrome, Edge and Firefox have it): play with the computer’s keys.");
    }
    try {
      this.access = await navigator.requestMIDIAccess();
    } catch (error) {
      const refused = error instanceof DOMException && ["SecurityError", "NotAllowedError"].includes(error.name);
      throw new NoMidi(`${refused ? "The browser was not allowed to use MIDI" : "The browser finds no MIDI"}: play with the computer’s keys.`);
    }
    this.access.onstatechange = () => {
      if (this.chosen?.state === "disconnected") this.choose("");
      this.changed();
    };
    if (!this.inputs.length) throw new NoMidi("No MIDI keyboard is plugged in: plug one in, or play with the computer’s keys.");
  }

  get inputs() {
    return [...(this.access?.inputs.values() ?? [])].filter((input) => input.state === "connected");
  }

  /** @param {string} id  of an input; none to listen to none */
  choose(id) {
    this.release();
    if (this.chosen) this.chosen.onmidimessage = null;
    this.chosen = this.inputs.find((input) => input.id === id) ?? null;
    if (this.chosen) this.chosen.onmidimessage = (event) => this.take([...(event.data ?? [])], event.timeStamp);
  }

  /** @param {number[]} data @param {number} stamp */
  take(data, stamp) {
    const [status = 0, first = 0, second = 0] = data;
    const kind = status & ~CHANNEL;
    const on = kind === 0x90 && second > 0;
    if (on) this.down.add(first);
    else if (kind === 0x80 || kind === 0x90) this.down.delete(first);
    else if (kind !== 0xb0 || first < 120) return;
    this.played([kind, first, second], stamp); // whatever the channel, it is one person
  }

  /** All keys up, as when the keyboard is unplugged. */
  release() {
    for (const pitch of this.down) this.played([0x80, pitch, 0], performance.now());
    this.down.clear();
  }
}
