// What eslint checks in the scripts of the pages and in their tests.

import js from "@eslint/js";

/** What browsers have that these scripts use. */
const BROWSER = [
  "AbortController", "AnalyserNode", "AudioBufferSourceNode", "AudioContext", "Blob", "BroadcastChannel", "DOMException", "DOMParser", "Event", "FormData",
  "GainNode", "HTMLInputElement", "HTMLSelectElement", "IDBKeyRange", "OscillatorNode", "ResizeObserver", "SVGElement", "SVGGraphicsElement",
  "TextDecoder", "TextEncoder", "URL", "WebSocket", "Element", "HTMLElement", "Node",
  "atob", "btoa", "cancelAnimationFrame", "clearInterval", "clearTimeout", "crypto", "devicePixelRatio", "document", "fetch", "getComputedStyle",
  "history", "indexedDB", "innerWidth", "localStorage", "location", "matchMedia", "navigator", "performance", "requestAnimationFrame", "sessionStorage", "setInterval", "setTimeout",
  "structuredClone", "window",
];
const globals = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [
  js.configs.recommended,
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals(BROWSER) },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-implicit-globals": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["tests/**"], languageOptions: { globals: globals(["Buffer", "globalThis", "process"]) } },
];
