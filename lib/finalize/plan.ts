// What is to become of each candidate, and why. No I/O.
import type { Failure } from '../base/types.js';
import { PARTS, type Part } from './decide.js';

/** A byte for each candidate: an object would be dear. */
export class Plan {
  readonly #parts: Uint8Array;
  readonly #reasons = new Map<number, Failure>();

  constructor(size: number) {
    this.#parts = new Uint8Array(size); // 'leave'
  }

  set(i: number, part: Part, why?: Failure): void {
    this.#parts[i] = PARTS.indexOf(part);
    if (why) this.#reasons.set(i, why);
  }

  part(i: number): Part {
    return PARTS[this.#parts[i] as number] as Part;
  }

  why(i: number): Failure | undefined {
    return this.#reasons.get(i);
  }
}
