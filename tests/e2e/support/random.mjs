// Choices that are the same in every run: random('a seed')(n) is one of 0 .. n-1.
import { createHash } from 'node:crypto';

export function random(seed) {
  let state = createHash('sha256').update(String(seed)).digest().readUInt32LE(0);
  return n => { // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = (t + Math.imul(t ^ t >>> 7, 61 | t)) ^ t;
    return ((t ^ t >>> 14) >>> 0) % n;
  };
}
