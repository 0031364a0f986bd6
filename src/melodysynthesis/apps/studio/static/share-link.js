// A link to a melody: its request with the seed, or, if it was changed by hand, its notes and the request.

import { Mistake } from "./api.js";
import { melodyFrom, requestFrom } from "./checks.js";

/** @import {Melody, Request, Take} from "./types.js" */

export const MAX_LINK = 100_000; // characters; browsers and mail programs take fewer still
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @typedef {{request?: Request, index?: number, melody?: Melody}} Linked */

/**
 * The part of the address after the page's own, from # on: it means the same in every studio.
 * @param {Take} take
 */
export function linkOf({ request, index, edited, melody }) {
  const { source, ...rest } = melody;
  const link = `#${encode(request && !edited && index < (request.count ?? 1) ? { request, index } : { melody: rest, ...(request ? { request } : {}) })}`;
  if (link.length > MAX_LINK) throw new Mistake("This melody is too long for a link: download it as JSON instead.");
  return link;
}

/** What is copied: a whole address, unless it would say nothing on another machine. @param {string} link @param {Location} place */
export function addressOf(link, { hostname, origin, pathname }) {
  return LOOPBACK.test(hostname) ? link : `${origin}${pathname}${link}`;
}

/**
 * What a link says; null where there is none.
 * @param {string} text  an address, or what stands in it from # on
 * @returns {Linked | null}
 * @throws {Mistake} for a damaged one
 */
export function linked(text) {
  const at = text.indexOf("#");
  if (at < 0 || text.length - at < 9) return null;
  if (text.length > MAX_LINK) throw new Mistake("This link is too long to be one of the studio's.");
  let said;
  try {
    said = decode(text.slice(at + 1).trim());
  } catch {
    throw new Mistake("This link is damaged: a part of it is missing or changed.");
  }
  try {
    const melody = said?.melody === undefined ? undefined : melodyFrom(said.melody);
    const request = said?.request === undefined ? undefined : requestFrom(said.request);
    if (!melody && !request) throw new Mistake("there is no melody in it");
    return { melody, request, index: Number.isInteger(said.index) && said.index >= 0 && said.index < 8 ? said.index : 0 };
  } catch (error) {
    throw new Mistake(`This link is damaged: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {object} value */
function encode(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte); // all at once, a long melody is too many arguments
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function decode(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}
