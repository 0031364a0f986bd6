// The studio's interface, as the server documents it at /api/openapi.json.

/** @import {Certificate, ChordEntrance, Melody, Model, Originality, People, Request, Terms, Theory} from "./types.js" */

/** What a person can mend; its message is for them. */
export class Mistake extends Error {}

/** The studio does not answer; it may be back in a moment. */
export class Away extends Mistake {
  constructor() {
    super("The studio does not answer: is it still running?");
  }
}

/** @param {string} path @param {RequestInit} [init] */
async function ask(path, init) {
  const answer = await fetch(path, init).catch((error) => {
    throw error.name === "AbortError" ? error : new Away();
  });
  if (answer.ok) return answer;
  const reply = await answer.json().catch(() => ({}));
  throw new Mistake(reply.message ?? `the studio answers ${answer.status}`);
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] */
function post(path, body, signal) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });
}

/** @returns {Promise<Model[]>} */
export async function models() {
  return (await ask("/api/models")).json();
}

/** @returns {Promise<Terms>} */
export async function terms() {
  return (await ask("/api/terms")).json();
}

/** @returns {Promise<Theory>} */
export async function theory() {
  return (await ask("/api/theory")).json();
}

/** @param {string} chart  such as "G | C | D7 G | G"; without one the melody's own are meant @param {Melody} melody @returns {Promise<ChordEntrance[]>} */
export async function chords(chart, melody) {
  return (await post("/api/chords", { melody, chords: chart })).json();
}

/** @returns {Promise<Record<string, People>>} */
export async function people() {
  return (await ask("/api/people")).json();
}

/** @param {Melody} melody @param {number} width @param {AbortSignal} signal @returns {Promise<{svg: string, notes: string[][]}>} */
export async function score(melody, width, signal) {
  return (await post("/api/score", { melody, width }, signal)).json();
}

/**
 * @param {Melody} melody
 * @param {Request | null} request
 * @param {AbortSignal} signal
 * @returns {Promise<{certificate: Certificate | null, originality: Originality, surprise: number[] | null}>}
 */
export async function judge(melody, request, signal) {
  return (await post("/api/judge", { melody, request }, signal)).json();
}

/** @param {Melody} melody @param {string} format @param {boolean} backing  whether a MIDI file plays the chords */
export async function convert(melody, format, backing) {
  return (await post(`/api/convert/${format}`, { melody, backing })).blob();
}

/** The melody with chords, in some ways. @param {Melody} melody @param {{spice: number, harmonic_rhythm: string | null, alternatives: number}} options @returns {Promise<Melody[]>} */
export async function harmonise(melody, options) {
  return (await (await post("/api/harmonise", { melody, ...options })).json()).melodies;
}

/** The request for melodies that keep something of one. @param {Melody} melody @param {string[]} keep @param {Request} request @returns {Promise<Request>} */
export async function vary(melody, keep, request) {
  return (await post("/api/vary", { melody, keep, request })).json();
}

/** @param {File} file @param {number | null} part  from 1; null for the server's choice @returns {Promise<{melodies: Melody[], notices: string[], parts: {count: number, taken: number} | null}>} */
export async function open(file, part = null) {
  const name = encodeURIComponent(file.name.slice(-200));
  return (await ask(`/api/open?name=${name}${part ? `&part=${part}` : ""}`, { method: "POST", body: file })).json();
}

/** @param {number} pitch */
export async function sound(pitch) {
  return (await ask(`/api/sounds/${pitch}.wav`)).arrayBuffer();
}

/**
 * Generate; every message is passed on as it comes.
 * @param {Request} request
 * @param {(message: any) => void} tell
 * @param {AbortSignal} signal  stops the work
 * @returns {Promise<void>}
 */
export function generate(request, tell, signal) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/generate`);
    signal.addEventListener("abort", () => {
      socket.close();
      reject(new DOMException("stopped", "AbortError"));
    });
    socket.onopen = () => socket.send(JSON.stringify(request));
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "done") resolve();
      else if (message.type === "mistake") reject(new Mistake(message.message));
      else tell(message);
    };
    socket.onclose = () => reject(new Away());
  });
}
