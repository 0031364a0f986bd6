// A scrolling piano roll of live playing: the person's notes, the model's notes, and those that are due soon.

const SECONDS = 9; // that are seen
const NOW = 0.86; // where the present is, as a share of the width
const PAGE = SECONDS * 1000 * NOW; // milliseconds of a page that stands still
const LOWEST = 48;
const HIGHEST = 84;

/** @typedef {{who: "yours" | "model", pitch: number, start: number, end: number | null}} Mark  in milliseconds */

export class ScrollingRoll {
  /** @param {HTMLCanvasElement} canvas @param {(sounding: Mark[]) => void} follow  called at every frame what sounds */
  constructor(canvas, follow) {
    this.canvas = canvas;
    this.follow = follow;
    /** @type {Mark[]} */
    this.marks = [];
    /** @type {{stamp: number, strong: boolean}[]} */
    this.beats = [];
    this.frame = 0;
    this.still = typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** @param {"yours" | "model"} who @param {number} pitch @param {number} stamp */
  start(who, pitch, stamp) {
    this.stop(who, pitch, stamp);
    this.marks.push({ who, pitch, start: stamp, end: null });
  }

  /** A note that ends before it begins is taken back. @param {"yours" | "model"} who @param {number} pitch @param {number} stamp */
  stop(who, pitch, stamp) {
    const mark = this.marks.findLast((one) => one.who === who && one.pitch === pitch && (one.end === null || one.end > stamp));
    if (mark) mark.end = Math.max(stamp, mark.start);
  }

  /** @param {number} stamp @param {boolean} strong */
  beat(stamp, strong) {
    this.beats.push({ stamp, strong });
  }

  /** Whatever sounds ends. @param {number} stamp */
  cut(stamp) {
    for (const mark of this.marks) if (mark.end === null || mark.end > stamp) mark.end = Math.max(mark.start, stamp);
  }

  roll() {
    cancelAnimationFrame(this.frame);
    const turn = () => {
      const now = performance.now();
      this.draw(now);
      this.follow(this.marks.filter(({ start, end }) => start <= now && (end === null || end > now)));
      this.frame = requestAnimationFrame(turn);
    };
    turn();
  }

  rest() {
    cancelAnimationFrame(this.frame);
  }

  /** @param {number} now */
  draw(now) {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const paint = canvas.getContext("2d");
    if (!paint || !width) return;
    const oldest = now - SECONDS * 1000;
    this.marks = this.marks.filter(({ end }) => end === null || end > oldest);
    this.beats = this.beats.filter(({ stamp }) => stamp > oldest);
    const style = getComputedStyle(canvas);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name);
    const pitches = this.marks.map((mark) => mark.pitch);
    const [low, high] = [Math.min(LOWEST, ...pitches) - 1, Math.max(HIGHEST, ...pitches) + 1];
    const row = height / (high - low + 1);
    // for people who prefer little motion the notes do not move, and now moves: over the page, which is turned at its end
    const origin = this.still ? Math.floor(now / PAGE) * PAGE : now - SECONDS * 1000 * NOW;
    const x = (/** @type {number} */ stamp) => ((stamp - origin) / (SECONDS * 1000)) * width;
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, width, height);
    paint.fillStyle = colour("--faint");
    for (let pitch = low; pitch <= high; pitch += 1) if (pitch % 12 === 0) paint.fillRect(0, (high - pitch + 1) * row - 0.5, width, 1);
    for (const { stamp, strong } of this.beats) {
      paint.fillStyle = colour(strong ? "--soft" : "--line");
      paint.fillRect(x(stamp), 0, strong ? 1.5 : 1, height);
    }
    for (const { who, pitch, start, end } of this.marks) {
      paint.fillStyle = colour(who === "yours" ? "--sure" : "--accent");
      paint.beginPath();
      paint.roundRect(x(start), (high - pitch) * row, Math.max(2, x(end ?? Math.max(now, start)) - x(start)), Math.max(4, row), 2);
      paint.fill();
    }
    paint.fillStyle = colour("--ink");
    paint.fillRect(x(now), 0, 1, height);
  }
}
