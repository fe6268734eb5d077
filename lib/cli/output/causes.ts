// What went wrong, on standard error. What is alike is said once: how often, where, and the first of it.
import { displayName } from '../../base/names.js';
import type { Failure, FinalizedEntry } from '../../index.js';
import { complain, sentenceOf } from './output.js';

/** Lines at a time: whoever needs all of them has --json. */
const MOST = 20;
/** So many that are alike have a line each. */
const FEW = 2;
/** A long run tells so often what has come. */
const EVERY_MS = 10_000;

interface Cause {
  readonly label: string;
  /** The directory of what failed; '' if nothing has a name. */
  readonly dir: string;
  /** Of the first ones. */
  readonly sentences: readonly string[];
  readonly count: number;
  /** In how many directories? */
  readonly dirs: number;
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/';

/** A sentence without what differs from file to file. */
const shapeOf = (message: string): string => message.replace(/\/\S*/g, '').replace(/\d+/g, '');

/** Adds up what has the same key. */
function joined(causes: Iterable<Cause>, key: (cause: Cause) => string): Cause[] {
  const groups = new Map<string, Cause>();
  for (const cause of causes) {
    const before = groups.get(key(cause));
    groups.set(
      key(cause),
      before ? { ...before, count: before.count + cause.count, dirs: before.dirs + cause.dirs } : cause,
    );
  }
  return [...groups.values()];
}

function linesOf({ label, dir, sentences, count, dirs }: Cause): readonly string[] {
  if (count === sentences.length) return sentences;
  const where = dirs > 1 ? ` in ${dirs} directories` : dir === '' ? '' : ` in ${dir}`;
  return [`${count} x ${label}${where}; first: ${sentences[0]}`];
}

export class Causes {
  readonly #groups = new Map<string, Cause>();
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param everyMs Infinity: only when it is asked for */
  constructor(everyMs = EVERY_MS) {
    this.#everyMs = everyMs;
  }

  /** @param file the state file that it is about, as people read it; '' if it is about none */
  add(file: string, failure: Failure, outcome = ''): void {
    const { code, errnoName, message, path } = failure;
    const about = path ?? file;
    const dir = about === '' ? '' : parentOf(about);
    const label = `${errnoName ?? code}${outcome === '' ? '' : ` (${outcome})`}`;
    const key = JSON.stringify([label, dir, errnoName === undefined ? shapeOf(message) : '']);
    const said = `${outcome === '' ? '' : `${outcome}: `}${sentenceOf(file, failure)}`;
    const { count = 0, sentences = [] } = this.#groups.get(key) ?? {};
    const first = count < FEW ? [...sentences, said] : sentences;
    this.#groups.set(key, { label, dir, sentences: first, count: count + 1, dirs: 1 });
    if (this.#everyMs < Number.POSITIVE_INFINITY) this.#timer ??= setTimeout(() => this.tell(), this.#everyMs).unref();
  }

  ofEntry({ stateFileBytes, action, error }: FinalizedEntry): void {
    const outcome = action === 'kept' ? 'kept' : action === 'rolled-back' ? 'rolled back' : '';
    if (error) this.add(displayName(stateFileBytes), error, outcome);
  }

  /** Says what has been added since the last time. */
  tell(): void {
    for (const sentence of this.lines()) complain(sentence);
  }

  /** A line for each kind of what has been added since the last time. */
  lines(): string[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let causes = [...this.#groups.values()];
    if (causes.length > MOST) causes = joined(causes, ({ label, sentences }) => label + shapeOf(`${sentences[0]}`));
    this.#groups.clear();
    const more = causes.length > MOST ? [`and ${causes.length - MOST} more causes: see --json`] : [];
    return [...causes.slice(0, MOST).flatMap(linesOf), ...more];
  }
}
