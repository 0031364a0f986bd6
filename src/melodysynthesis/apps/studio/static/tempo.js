// Tap tempo: the tempo of taps in quarters.

const LONGEST = 2000; // milliseconds between taps; a longer pause starts again
const KEPT = 6;

/** @param {number[]} taps  times in milliseconds, the new one last @returns {{taps: number[], tempo: number | null}} those that count, and their tempo */
export function tapped(taps) {
  const pause = taps.findLastIndex((time, number) => number > 0 && time - taps[number - 1] > LONGEST);
  const kept = taps.slice(Math.max(0, pause)).slice(-KEPT);
  if (kept.length < 2) return { taps: kept, tempo: null };
  const apart = (kept[kept.length - 1] - kept[0]) / (kept.length - 1);
  return { taps: kept, tempo: Math.max(30, Math.min(300, Math.round(60_000 / apart))) };
}
