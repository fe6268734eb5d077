// Transfers that share a name form a dataset. What a survey saw of each, and the verdict on each dataset. No I/O.

import { displayName } from '../base/names.js';
import { type NativeSurveyed, STANDINGS } from '../base/native.js';
import type { Failure } from '../base/types.js';
import type { DatasetVerdict } from './types.js';
import type { Decision } from './verdict.js';

/** How many missing ranks are named. */
export const NAMED = 100;
const UUID_DIGITS = 32;
/** Each byte of the id of what was no transfer: one that has its name by now is another. */
const NO_TRANSFER = 0xff;

type Standing = (typeof STANDINGS)[number];

/** What a survey saw, by columns: an object for each candidate would be dear. */
export class Surveys {
  readonly #standings: Uint8Array;
  readonly #alive: Uint8Array;
  readonly #ranks: Uint32Array;
  readonly #groups: Int32Array;
  readonly #uuids: Buffer;
  readonly #numbers: Float64Array;
  readonly #byName = new Map<string, number>();
  readonly groups: Group[] = [];

  constructor(size: number) {
    this.#standings = new Uint8Array(size).fill(STANDINGS.indexOf('gone'));
    this.#alive = new Uint8Array(size);
    this.#ranks = new Uint32Array(size);
    this.#groups = new Int32Array(size).fill(-1);
    this.#uuids = Buffer.alloc(size * (UUID_DIGITS / 2), NO_TRANSFER);
    this.#numbers = new Float64Array(size * 3);
  }

  /** The first or a later look at candidate `i`. A later one may find that another transfer has its name by now. */
  see(i: number, surveyed: NativeSurveyed): void {
    const known = this.#groups[i] !== -1;
    const isTheSame = surveyed.uuid === this.uuid(i);
    this.#standings[i] = surveyed.standing;
    this.#alive[i] = surveyed.alive ? 1 : 0;
    if (known && !isTheSame && isTransfer(this.standing(i))) this.#loses(i);
    if (known && !isTheSame) return;
    this.#ranks[i] = surveyed.rank;
    if (isTransfer(this.standing(i))) this.#uuids.write(surveyed.uuid, i * (UUID_DIGITS / 2), 'hex');
    this.#numbers.set([surveyed.files, surveyed.filesDone, surveyed.bytes], i * 3);
    if (this.#groups[i] === -1 && isTransfer(this.standing(i))) this.#join(i, surveyed);
  }

  #loses(i: number): void {
    this.#standings[i] = STANDINGS.indexOf('gone');
    this.#alive[i] = 0;
  }

  #join(i: number, { name, size, allRanks }: NativeSurveyed): void {
    let at = this.#byName.get(name);
    if (at === undefined) {
      at = this.groups.length;
      this.#byName.set(name, at);
      this.groups.push({ name, sizes: new Set(), members: [], allRanks: false });
    }
    const group = this.groups[at] as Group;
    group.sizes.add(size);
    group.members.push(i);
    group.allRanks ||= allRanks;
    this.#groups[i] = at;
  }

  standing(i: number): Standing {
    return STANDINGS[this.#standings[i] as number] as Standing;
  }

  alive(i: number): boolean {
    return this.#alive[i] === 1;
  }

  rank(i: number): number {
    return this.#ranks[i] as number;
  }

  uuid(i: number): string {
    const bytes = UUID_DIGITS / 2;
    return this.#uuids.toString('hex', i * bytes, (i + 1) * bytes);
  }

  /** As the addon takes them. */
  uuids(numbers: readonly number[]): Buffer {
    const bytes = UUID_DIGITS / 2;
    return Buffer.concat(numbers.map((i) => this.#uuids.subarray(i * bytes, (i + 1) * bytes)));
  }

  /** For an entry that the addon does not make. */
  details(i: number) {
    const [files = 0, filesDone = 0, bytes = 0] = this.#numbers.subarray(i * 3, i * 3 + 3);
    const name = this.groups[this.#groups[i] as number]?.name ?? '';
    return { name, rank: this.rank(i), files, filesDone, bytes };
  }
}

/** The transfers of one name, as numbers of candidates. */
export interface Group {
  readonly name: string;
  /** As its transfers say: one, or something is wrong. */
  readonly sizes: Set<number>;
  readonly members: number[];
  /** Does one of them ask to be published only with all? */
  allRanks: boolean;
}

/** Something that is, or was, a transfer with a name of its own. */
function isTransfer(standing: Standing): boolean {
  return !['not-state', 'gone', 'corrupt', 'unreadable'].includes(standing);
}

/** Can be published, or is. */
export function isWhole(standing: Standing): boolean {
  return standing === 'complete' || standing === 'published';
}

/** Is there a state file that cannot be told to be another's? It may be the missing rank. */
export function isDoubtful(standing: Standing): boolean {
  return standing === 'corrupt' || standing === 'unreadable';
}

function missingRanks(whole: ReadonlySet<number>, size: number): number[] {
  const missing: number[] = [];
  for (let rank = 0; rank < size && missing.length < NAMED; rank++) if (!whole.has(rank)) missing.push(rank);
  return missing;
}

/**
 * Ranks that go together agree that all are complete before one publishes, and free nothing before all have published:
 * then one that is published says so of those that are gone.
 */
function isProven({ allRanks, members }: Group, surveys: Surveys): boolean {
  const left = members.map((i) => surveys.standing(i)).filter((standing) => standing !== 'gone');
  return allRanks && left.includes('published') && left.every(isWhole);
}

/**
 * The verdict on a dataset as it stands: complete if every rank of its size has a transfer that is whole.
 * @param whole is this candidate to count as whole?
 */
export function judge(group: Group, surveys: Surveys, whole: (i: number) => boolean): DatasetVerdict {
  const size = group.sizes.size === 0 ? 0 : Math.max(...group.sizes);
  const ranks = new Set(group.members.filter((i) => whole(i) && surveys.rank(i) < size).map((i) => surveys.rank(i)));
  const complete = group.sizes.size === 1 && (ranks.size === size || isProven(group, surveys));
  const alive = group.members.some((i) => surveys.alive(i));
  const verdict = alive ? 'busy' : complete ? 'complete' : 'incomplete';
  const missing = complete ? [] : missingRanks(ranks, size);
  return { name: group.name, verdict, size, missing, missingCount: complete ? 0 : size - ranks.size };
}

/** The verdict that was decided earlier and is being carried out. */
export function decided({ decision, name, size }: Decision, now: DatasetVerdict): DatasetVerdict {
  if (decision === 'publish') return { name, verdict: 'complete', size, missing: [], missingCount: 0 };
  return { ...now, verdict: 'incomplete' };
}

/** What a verdict is to say. `stateFile`: the base name of a candidate. */
export function wish(
  { name, members }: Group,
  surveys: Surveys,
  { verdict, size }: DatasetVerdict,
  stateFile: (i: number) => string,
): Omit<Decision, 'directories'> {
  const publish = verdict === 'complete';
  const concerned = members.filter((i) => !publish || isWhole(surveys.standing(i)));
  const transfers = new Map(concerned.map((i) => [surveys.uuid(i), stateFile(i)]));
  return { decision: publish ? 'publish' : 'roll back', name, size, transfers };
}

export function disagreement({ name, sizes }: Group): Failure {
  const all = [...sizes].sort((a, b) => a - b).slice(0, 10);
  return {
    code: 'AXL_CONFLICT',
    message: `dataset ${displayName(name)}: its transfers disagree on its size: ${all.join(', ')}`,
  };
}
