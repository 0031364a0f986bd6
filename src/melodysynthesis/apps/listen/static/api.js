// The interface of a listening test, as the server documents it at /api/openapi.json.

/** @typedef {{key: string, title: string, consent: string, ratings: number, pairs: number, scale: [number, number]}} About */
/** @typedef {{place: number, kind: string, sounds: string[], told: string | null}} Question */
/** @typedef {{done: number, total: number, question: Question | null}} Progress */
/** @typedef {{pleasing?: number, human?: number, choice?: string}} Answer */

/** What the server answers with when it does not do what was requested; its message is for people. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status  0 where there was no answer */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @param {string} method @param {string} path @param {string} [token] @param {object} [body] */
async function ask(method, path, token, body) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Refusal("The test can't be reached at the moment. Nothing is lost: try again.", 0);
  });
  if (answer.ok) return answer;
  const reply = await answer.json().catch(() => ({}));
  throw new Refusal(reply.message ?? `the test answers ${answer.status}`, answer.status);
}

/** @returns {Promise<About>} */
export async function about() {
  return (await ask("GET", "/api/test")).json();
}

/** @returns {Promise<Progress & {token: string}>} */
export async function join() {
  return (await ask("POST", "/api/participants", undefined, { agreed: true })).json();
}

/** @param {string} token @returns {Promise<Progress>} */
export async function progress(token) {
  return (await ask("GET", "/api/participant", token)).json();
}

/** @param {string} token @param {number} place @param {Answer} answer @param {number} seconds @returns {Promise<Progress>} */
export async function answer(token, place, answer, seconds) {
  return (await ask("POST", "/api/answers", token, { place, ...answer, seconds })).json();
}

/** @param {string} token @param {string} name */
export async function sound(token, name) {
  return (await ask("GET", `/api/sounds/${name}.wav`, token)).arrayBuffer();
}

/** @param {string} token */
export async function leave(token) {
  await ask("DELETE", "/api/participant", token);
}
