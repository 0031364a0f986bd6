// The WebSocket to the live player, and the difference between the studio's clock and the page's.

const PING = 2000; // milliseconds
const KEPT = 8; // pings by which the clock is known
const OLDEST = 60; // round trips that are shown

/**
 * @typedef {object} Ends  what the socket tells
 * @property {(message: any) => void} said  messages of the studio, as it documents them
 * @property {() => void} lost  the connection was closed, by the studio or on the way
 * @property {() => void} measured  another round trip is known
 */

export class LiveSocket {
  /** @param {Ends} ends */
  constructor(ends) {
    this.ends = ends;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {{trip: number, ahead: number}[]} */
    this.pings = [];
    /** @type {number[]} */
    this.trips = []; // seconds
    /** @type {object[]} */
    this.waiting = [];
    this.timer = 0;
  }

  open() {
    if (this.socket) return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
    this.socket = socket;
    this.pings = [];
    socket.onopen = () => {
      for (const message of this.waiting.splice(0)) socket.send(JSON.stringify(message));
      for (let n = 0; n < KEPT; n += 1) setTimeout(() => this.ping(), 60 * n);
      this.timer = setInterval(() => this.ping(), PING);
    };
    socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.close();
      this.ends.lost();
    };
  }

  close() {
    clearInterval(this.timer);
    const { socket } = this;
    this.socket = null;
    this.waiting = [];
    socket?.close();
  }

  /** @param {object} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    else if (this.socket) this.waiting.push(message);
  }

  ping() {
    if (this.socket?.readyState === WebSocket.OPEN) this.send({ type: "ping", sent: performance.now() / 1000 });
  }

  /** @param {any} message */
  take(message) {
    if (message.type !== "pong") return this.ends.said(message);
    const now = performance.now() / 1000;
    const trip = now - message.sent;
    this.pings = [...this.pings, { trip, ahead: message.now - (message.sent + now) / 2 }].slice(-KEPT);
    this.trips = [...this.trips, trip].slice(-OLDEST);
    this.ends.measured();
  }

  /** Seconds by which the studio's clock is ahead of the page's: given by the fastest ping, which was held up least. */
  get ahead() {
    return this.pings.reduce((best, ping) => (ping.trip < best.trip ? ping : best), { trip: Infinity, ahead: 0 }).ahead;
  }

  /** The studio's time of a moment of the page. @param {number} stamp  milliseconds, as of performance.now() */
  there(stamp) {
    return stamp / 1000 + this.ahead;
  }

  /** The page's moment, in milliseconds as of performance.now(), of a time of the studio. @param {number} time */
  here(time) {
    return (time - this.ahead) * 1000;
  }

  /** Seconds of a round trip: the median of the latest; null before the first. */
  get trip() {
    const sorted = [...this.trips].sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : null;
  }
}
