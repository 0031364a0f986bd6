// What the modules hand each other. Nothing here runs.

/** @typedef {[onset: number, duration: number, pitch: number]} Note  in ticks, ticks, MIDI number */
/** @typedef {{tonic: string, mode: string}} Key */
/**
 * A melody as the library's JSON says it; all time in ticks, 24 to the quarter.
 * @typedef {{notes: Note[], duration: number, pickup: number, key: Key | null, meters: [number, number, number][],
 *            phrase_ends: number[], source?: string, title?: string, composer?: string, tempo?: number,
 *            lyrics?: [tick: number, syllable: string][], chords?: [tick: number, symbol: string][]}} Melody
 */
/** @typedef {{number: number, start: number, end: number, beats: number, unit: number}} Bar */
/** @typedef {Record<string, any>} Request */
/** @typedef {{rule: string, asked: string, verdict: string, reason?: string,
 *             breaches?: {bar: number?, beat: number?, note: number?, found: string, expected: string}[]}} Finding */
/** @typedef {{verdict: string, rules: Finding[]}} Certificate */
/** @typedef {Record<string, any>} Originality */
/**
 * A melody and how it came about.
 * @typedef {{melody: Melody, request: Request | null, index: number, certificate: Certificate | null,
 *            originality: Originality | null, surprise: number[] | null, edited: boolean}} Take
 */
/** @typedef {{takes: Take[], current: number}} Work */
/** @typedef {{tempo: number, loop: boolean, click: boolean, backing: boolean, countin: boolean, volumes: {melody: number, chords: number, click: number}, grid: number, theme: string,
 *             live: Record<string, any>, toured: boolean}} Manner  toured: whether the tour was seen */
/**
 * What the library says of a rule: see /api/terms.
 * @typedef {{name: string, label: string, kind: "flag" | "number" | "text" | "choice", help: string, guarantee: string,
 *            example: boolean | number | string, default: boolean | number | null, choices: string[],
 *            min: number | null, max: number | null, of: string, by_bar: boolean}} Rule
 */
/**
 * What it says of a field that is no rule.
 * @typedef {{name: string, label: string, kind: "number" | "text" | "quarters", help: string, min: number | null,
 *            max: number | null, whole: boolean, default: any}} BasicField
 */
/** @typedef {{modes: string[], scales: Record<string, number[]>, chords: Record<string, number[]>, rules: Rule[], fields: BasicField[],
 *             downloads: string[], readable: string[], max_bytes: number, no_baselines: string | null, study: boolean}} Terms */
/**
 * Music theory, made by the library: see /api/theory.
 * @typedef {{quarter: number, meters: Record<string, {bar: number, beat: number, strong: number[]}>,
 *            scales: Record<string, number[]>, tonics: Record<string, number>, pitches: Record<string, [name: string, octave: number][]>}} Theory
 */
/** @typedef {{start: number, end: number, root: number, tones: number[], name: string}} ChordEntrance  in ticks and pitch classes */
/** @typedef {{name: string, card: Record<string, any>, baseline?: boolean}} Model  a baseline is counted, not trained */
/** @typedef {{tunes: number, bands: Record<string, [low: number, median: number, high: number]>}} People */

export {};
