// What a survey saw of each transfer, and which of them form a dataset: those that have its id. No I/O, no decision.

import type { NativeFailure } from '../base/errors.js';
import { latin1 } from '../base/names.js';
import { type NativeSurveyed, STANDINGS } from '../base/native.js';
import { ANSWERS } from '../base/native-word.js';
import { UNTIL } from '../base/phases.js';
import { type Answer, isWhole, type Member, type Rival, type Standing, sizeOf } from './decide.js';
import { NOTHING_KNOWN } from './tally.js';

const UUID_DIGITS = 32;
/** Each byte of the id of what was no transfer: one that has its name by now is another. */
const NO_TRANSFER = 0xff;

/** Bits of traits. */
const IN_PHASES = 1;
const REPLACES = 2;
const POINTS = 4;
const OLD_COMMIT = 8;
const BY_AXL = 16;
const ALL_PHASES = UNTIL.pointer;

/** What a survey saw, by columns: an object for each candidate would be dear. */
export class Surveys {
  readonly #standings: Uint8Array;
  readonly #alive: Uint8Array;
  /** How many phases are published, and bits of what else there is to phases. */
  readonly #phases: Uint8Array;
  readonly #traits: Uint8Array;
  readonly #dispatched: BigInt64Array;
  readonly #ranks: Uint32Array;
  readonly #groups: Int32Array;
  readonly #uuids: Buffer;
  readonly #numbers: Float64Array;
  /** Of those that are alive, or may be. */
  readonly #whyAlive = new Map<number, NativeFailure>();
  readonly #byId = new Map<string, number>();
  readonly groups: Group[] = [];
  /** The transfers of which a copy of the state file was seen. */
  readonly #copies = new Set<string>();

  constructor(size: number) {
    this.#standings = new Uint8Array(size).fill(STANDINGS.indexOf('gone'));
    this.#alive = new Uint8Array(size);
    this.#phases = new Uint8Array(size);
    this.#traits = new Uint8Array(size);
    this.#dispatched = new BigInt64Array(size);
    this.#ranks = new Uint32Array(size);
    this.#groups = new Int32Array(size).fill(-1);
    this.#uuids = Buffer.alloc(size * (UUID_DIGITS / 2), NO_TRANSFER);
    this.#numbers = new Float64Array(size * 3);
  }

  /**
   * The first or a later look at candidate `i`. A later one may find that another transfer has its name by now.
   * @param dir its directory
   */
  see(i: number, surveyed: NativeSurveyed, dir: string): void {
    const known = this.#groups[i] !== -1;
    const isTheSame = surveyed.uuid === this.uuid(i);
    this.#standings[i] = surveyed.standing;
    this.#alive[i] = surveyed.alive;
    if (this.standing(i) === 'copy') this.#copies.add(surveyed.uuid);
    if (surveyed.why) this.#whyAlive.set(i, surveyed.why);
    if (known && !isTheSame && isTransfer(this.standing(i))) this.#loses(i);
    if (known && !isTheSame) return;
    this.#seePhases(i, surveyed);
    this.#ranks[i] = surveyed.rank;
    if (isTransfer(this.standing(i))) this.#uuids.write(surveyed.uuid, i * (UUID_DIGITS / 2), 'hex');
    this.#numbers.set([surveyed.files, surveyed.filesDone, surveyed.bytes], i * 3);
    if (this.#groups[i] === -1 && isTransfer(this.standing(i))) this.#join(i, surveyed, dir);
  }

  #seePhases(i: number, surveyed: NativeSurveyed): void {
    const { phases, inPhases, replacesData, pointers, oldCommit, dispatchedNs, axl } = surveyed;
    const [points, byAxl] = [pointers > 0 && POINTS, axl && BY_AXL];
    const bits = [inPhases && IN_PHASES, replacesData && REPLACES, points, oldCommit && OLD_COMMIT, byAxl];
    this.#phases[i] = phases;
    this.#traits[i] = bits.reduce<number>((sum, bit) => sum | Number(bit), 0);
    this.#dispatched[i] = dispatchedNs;
  }

  #loses(i: number): void {
    this.#standings[i] = STANDINGS.indexOf('gone');
    this.#alive[i] = 0;
  }

  #join(i: number, { dataset, name, job, attempt, size, allRanks, home }: NativeSurveyed, dir: string): void {
    let at = this.#byId.get(dataset);
    if (at === undefined) {
      at = this.groups.length;
      this.#byId.set(dataset, at);
      const unknown = {
        sizes: new Set<number>(),
        homes: new Set<string>(),
        members: [],
        allRanks: false,
        apart: false,
      };
      this.groups.push({ id: dataset, name, job, attempt, ...unknown });
    }
    const group = this.groups[at] as Group;
    group.sizes.add(size);
    group.homes.add(home.length === 0 ? dir : latin1(home));
    group.members.push(i);
    group.allRanks ||= allRanks;
    group.apart ||= home.length > 0 && latin1(home) !== dir;
    this.#groups[i] = at;
  }

  standing(i: number): Standing {
    return STANDINGS[this.#standings[i] as number] as Standing;
  }

  alive(i: number): Answer {
    return ANSWERS[this.#alive[i] as number] as Answer;
  }

  /** How many phases of it are published. What is gone was published as a whole, if that was decided. */
  phases(i: number): number {
    return this.standing(i) === 'gone' ? ALL_PHASES : (this.#phases[i] as number);
  }

  /** So many are known to be published by now, at least. */
  reaches(i: number, phases: number): void {
    this.#phases[i] = Math.max(this.#phases[i] as number, phases);
  }

  /** May an old commit file stand where one of it is to stand? What is gone was published as a whole. */
  hasOldCommit(i: number): boolean {
    return this.standing(i) !== 'gone' && ((this.#traits[i] as number) & OLD_COMMIT) !== 0;
  }

  /** May it replace data? */
  replacesData(i: number): boolean {
    return ((this.#traits[i] as number) & REPLACES) !== 0;
  }

  /** Is it a transfer of the C library AXL? */
  isByAxl(i: number): boolean {
    return ((this.#traits[i] as number) & BY_AXL) !== 0;
  }

  /** In ns since 1970. */
  dispatched(i: number): bigint {
    return this.#dispatched[i] as bigint;
  }

  /** If it is alive, or may be. */
  whyAlive(i: number): NativeFailure | undefined {
    return this.alive(i) === 'no' ? undefined : this.#whyAlive.get(i);
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

  /** @param ours of this finalizer's shard */
  member(i: number, ours: boolean): Member {
    const inPhases = ((this.#traits[i] as number) & IN_PHASES) !== 0;
    const points = ((this.#traits[i] as number) & POINTS) !== 0;
    const seen = { uuid: this.uuid(i), rank: this.rank(i), standing: this.standing(i), alive: this.alive(i) };
    return { ...seen, inPhases, points, ours };
  }

  /** Is there a copy of a state file that is not here itself? That transfer may be what a dataset lacks. */
  hasStrayCopy(): boolean {
    if (this.#copies.size === 0) return false;
    const here = new Set(this.groups.flatMap(({ members }) => members.map((i) => this.uuid(i))));
    return [...this.#copies].some((uuid) => !here.has(uuid));
  }

  /** @param counts which of its transfers do; all, if left out */
  hasEveryRank({ members, sizes }: Group, counts: (i: number) => boolean = () => true): boolean {
    return new Set(members.filter(counts).map((i) => this.rank(i))).size >= sizeOf([...sizes]);
  }

  /** Of the same name, job and attempt, and with another home or size: parts of it perhaps. */
  rivals(group: Group): Rival[] {
    const others = this.groups.filter(
      ({ id, name, job, attempt }) =>
        id !== group.id && name === group.name && job === group.job && attempt === group.attempt,
    );
    return others.map(({ homes, sizes, members }) => ({
      home: [...homes][0] ?? '',
      size: sizeOf([...sizes]),
      ranks: members.filter((i) => isWhole(this.standing(i))).map((i) => this.rank(i)),
    }));
  }

  /** For an entry that the addon does not make. */
  details(i: number) {
    const [files = 0, filesDone = 0, bytes = 0] = this.#numbers.subarray(i * 3, i * 3 + 3);
    const name = this.groups[this.#groups[i] as number]?.name ?? '';
    return { ...NOTHING_KNOWN, name, rank: this.rank(i), files, filesDone, bytes };
  }
}

/** The transfers of one dataset, as numbers of candidates. */
export interface Group {
  /** 32 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly job: string;
  readonly attempt: number;
  /** As its transfers say: one, or something is wrong. */
  readonly sizes: Set<number>;
  readonly homes: Set<string>;
  readonly members: number[];
  /** Does one of them ask to be published only with all? */
  allRanks: boolean;
  /** Does one of them name another directory than its own as its home? */
  apart: boolean;
}

/** Something that is, or was, a transfer with a name of its own. */
export function isTransfer(standing: Standing): boolean {
  return !['not-state', 'gone', 'corrupt', 'unreadable', 'copy'].includes(standing);
}

/** Is there a state file that cannot be told to be another's? It may be the missing rank. */
export function isDoubtful(standing: Standing): boolean {
  return standing === 'corrupt' || standing === 'unreadable';
}
