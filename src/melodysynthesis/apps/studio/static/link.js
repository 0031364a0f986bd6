// A link that makes a melody again: its request, with the seed, or its notes where they were changed by hand.

/** @import {Melody, Request, Take} from "./types.js" */

/** @param {Take} take */
export function linkOf({ request, index, edited, melody }) {
  const said = request && !edited ? { request, index } : { melody };
  return `${location.origin}${location.pathname}#${encode(said)}`;
}

/** What the page's address says; null for nothing. @returns {{request?: Request, index?: number, melody?: Melody} | null} */
export function linked() {
  try {
    return location.hash.length > 1 ? decode(location.hash.slice(1)) : null;
  } catch {
    return null;
  }
}

/** @param {object} value */
function encode(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function decode(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}
