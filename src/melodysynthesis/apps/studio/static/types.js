// What the modules hand each other. Nothing here runs.

/** @typedef {[onset: number, duration: number, pitch: number]} Note  in ticks, ticks, MIDI number */
/** @typedef {{tonic: string, mode: string}} Key */
/**
 * A melody as the library's JSON says it; all time in ticks, 24 to the quarter.
 * @typedef {{notes: Note[], duration: number, pickup: number, key: Key | null, meters: [number, number, number][],
 *            phrase_ends: number[], source?: string}} Melody
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
/** @typedef {{tempo: number, loop: boolean, click: boolean, backing: boolean, grid: number, theme: string,
 *             live: Record<string, string>}} Manner */
/** @typedef {{modes: string[], scales: Record<string, number[]>, chords: Record<string, number[]>,
 *             downloads: string[], readable: string[], max_bytes: number, no_baselines: string | null, study: boolean}} Terms */
/** @typedef {{name: string, card: Record<string, any>, baseline?: boolean}} Model  a baseline is counted, not trained */
/** @typedef {{tunes: number, bands: Record<string, [low: number, median: number, high: number]>}} People */

export {};
