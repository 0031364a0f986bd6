// A melody to listen to: a button, how far it is, and whether it has been heard to its end.

import { html, svg } from "/studio/dom.js";

const FOLLOWED = 50; // milliseconds between looks at how far it is

/** @type {AudioContext | undefined} */
let context; // made at the first click: before, browsers let nothing sound
/** @type {Melody | null} */
let sounding = null;

export class Melody {
  /**
   * @param {string} name  for people
   * @param {() => Promise<ArrayBuffer>} fetched
   * @param {{heard: () => void, failed: (error: unknown) => void}} tell
   */
  constructor(name, fetched, tell) {
    this.name = name;
    this.fetched = fetched;
    this.tell = tell;
    this.heard = false;
    /** @type {Promise<AudioBuffer> | null} */
    this.buffer = null;
    /** @type {AudioBufferSourceNode | null} */
    this.source = null;
    this.button = html("button", { class: "round", type: "button", "aria-label": `Play ${name}` },
      svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
        svg("path", { class: "when-silent", d: "M8 5v14l11-7z" }), svg("path", { class: "when-playing", d: "M7 6h10v12H7z" })));
    this.bar = html("progress", { max: 1, value: 0, "aria-label": `How much of ${name} has been played` });
    this.mark = html("span", { class: "played", role: "status" });
    this.element = html("div", { class: "melody" }, this.button, html("div", {}, html("strong", {}, name), this.bar), this.mark);
    this.button.addEventListener("click", () => (this.source ? this.stop() : void this.play().catch(this.tell.failed)));
  }

  async play() {
    sounding?.stop();
    context ??= new AudioContext();
    const running = context;
    this.buffer ??= this.fetched().then((data) => running.decodeAudioData(data));
    this.buffer.catch(() => (this.buffer = null)); // the next click tries again
    const [buffer] = await Promise.all([this.buffer, context.resume()]);
    if (sounding) sounding.stop(); // another one started while this one was fetched
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.onended = () => this.end();
    source.start();
    this.source = source;
    sounding = this;
    this.show(true);
    const started = context.currentTime;
    this.timer = setInterval(() => {
      this.bar.value = Math.min(1, (running.currentTime - started) / buffer.duration);
    }, FOLLOWED);
  }

  /** It has come to its end. */
  end() {
    if (!this.source) return;
    this.stop();
    this.bar.value = 1;
    this.heard = true;
    this.mark.textContent = "heard";
    this.tell.heard();
  }

  stop() {
    const source = this.source;
    if (!source) return;
    this.source = sounding = null;
    source.stop();
    clearInterval(this.timer);
    this.bar.value = 0;
    this.show(false);
  }

  /** @param {boolean} playing */
  show(playing) {
    this.element.classList.toggle("playing", playing);
    this.button.setAttribute("aria-label", `${playing ? "Stop" : "Play"} ${this.name}`);
  }
}
