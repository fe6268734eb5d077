// SCR's post-stage: which datasets are to be published below a prefix of SCR, and in which order; each is a dataset of ours, of
// which the state files of SCR's ranks are the transfers. Writes none of SCR's files: its own programs do, or who runs this.
// The verdict on a dataset stays until SCR's files say that it is complete: it tells the next run what was published, for then the
// state files are gone.
import { AxlError, failureOf } from '../base/errors.js';
import { displayName, fromLatin1, toText } from '../base/names.js';
import { answer, native } from '../base/native.js';
import { LOCK, VERDICT } from '../base/own-files.js';
import { UNTIL } from '../base/phases.js';
import type { Failure } from '../base/types.js';
import { publishes, type Verdict } from './decide.js';
import { sharedByAxl } from './destinations.js';
import { Homes } from './homes.js';
import { finalizeListing } from './listing.js';
import { entriesOf, type Listing } from './scan.js';
import { type Books, countRanks, directoryOf, dotScr, isSummarized, readBooks } from './scr-books.js';
import { commandLines, type ScrPrograms } from './scr-programs.js';
import { datasetId, rankOf, type ScrRanks } from './scr-ranks.js';
import { makeEntry, NOTHING_KNOWN, Tally } from './tally.js';
import type { FinalizeReport, ScrDataset, ScrOutcome } from './types.js';
import type { Terms } from './work.js';

export interface ScrAsked {
  /** Absolute, in latin1, without a slash at its end. */
  readonly prefix: string;
  /** SCR's own, which are told of what is published unless the caller has another command. */
  readonly programs: ScrPrograms | undefined;
}

/** A dataset that is not done with. */
interface Todo {
  readonly id: number;
  /** In latin1. */
  readonly name: string;
  readonly kind: ScrDataset['kind'] | undefined;
  readonly isCheckpoint: boolean;
  readonly files?: number | undefined;
  readonly bytes?: number | undefined;
  readonly dir: string;
  /** Of the state files. */
  readonly names: readonly string[];
  readonly traces: readonly string[];
  readonly verdict: Verdict | undefined;
}

type Ended = Pick<ScrDataset, 'outcome' | 'why'>;

const isPublished = ({ outcome }: Ended): boolean => outcome === 'published' || outcome === 'published before';
const shown = ({ id, name }: Todo): string => `dataset ${id} (${displayName(fromLatin1(name))})`;
const sum = (a: number, b: number): number => a + b;

/** Does SCR say that it is flushed? */
function isDoneForScr({ flushing, index }: Books, id: number): boolean {
  const [listed, indexed] = [flushing.get(id), index.get(id)];
  return listed?.isFlushed || (indexed?.isComplete === true && indexed.name === (listed?.name ?? indexed.name));
}

/** What a run of one dataset came to. @returns undefined if it saw none of its state files */
function endOf({ counts, datasets, locked, problems, interrupted }: FinalizeReport): Ended | undefined {
  const verdict = datasets.at(-1);
  const because = (outcome: ScrOutcome, why?: string) => ({ outcome, ...(why !== undefined && { why }) });
  const first = problems[0]?.error?.message;
  if (counts.failed > 0) return because('failed', first);
  if (locked.length > 0) return because('busy', locked[0]?.message);
  if (counts.busy > 0 || verdict?.verdict === 'busy' || interrupted) return because('busy', first);
  if (verdict?.verdict === 'incomplete' || counts.kept + counts['rolled-back'] + counts.corrupt > 0)
    return because('incomplete', first ?? verdict?.why ?? ranksOf(verdict));
  return verdict && because('published');
}

function ranksOf(verdict: FinalizeReport['datasets'][number] | undefined): string | undefined {
  if (!verdict) return undefined;
  return `${verdict.missingCount} of its ${verdict.size} ranks have no complete transfer`;
}

class PostStage {
  readonly #prefix: string;
  readonly #programs: ScrPrograms | undefined;
  readonly #terms: Terms;
  readonly #wait: number;
  readonly #mayOpen: (dir: string) => Promise<boolean>;
  readonly #homes = new Homes();
  /** The newest checkpoint that this run has told SCR of. */
  #newest = -1;

  constructor(asked: ScrAsked, terms: Terms, wait: number, mayOpen: (dir: string) => Promise<boolean>) {
    this.#prefix = asked.prefix;
    this.#programs = asked.programs;
    this.#terms = terms;
    this.#wait = wait;
    this.#mayOpen = mayOpen;
  }

  async run(): Promise<void> {
    const { tally } = this.#terms;
    try {
      const todo = await tally.time('scan', () => this.#todo());
      tally.tell({ event: 'scan', candidates: todo.reduce((before, { names }) => before + names.length, 0) });
      await this.#inOrder(todo, await this.#conflicts(todo));
    } catch (error) {
      tally.unreadable(failureOf(error));
    } finally {
      await this.#homes.close();
    }
  }

  async #inOrder(todo: readonly Todo[], conflicts: ReadonlyMap<Todo, Failure>): Promise<void> {
    const outputs = todo.filter(({ kind }) => kind === 'output').sort((a, b) => a.id - b.id);
    const others = todo.filter(({ kind }) => kind !== 'output').sort((a, b) => b.id - a.id);
    let first: Todo | undefined; // of the outputs that could not be published
    for (const one of [...outputs, ...others]) {
      if (this.#terms.signal?.aborted) return;
      const isLeft = first !== undefined && (one.kind === 'output' || one.id > first.id);
      const why = first && `${shown(first)}, an output before it, is not published`;
      const end =
        isLeft && why !== undefined ? ({ outcome: 'left', why } as const) : await this.#one(one, conflicts.get(one));
      await this.#tell(one, end);
      if (one.kind === 'output' && !isPublished(end)) first ??= one;
    }
  }

  async #tell(one: Todo, end: Ended): Promise<void> {
    const { id, name, kind = 'checkpoint' } = one;
    const isToTell = isPublished(end) && !isDoneForScr(await readBooks(this.#prefix), id);
    const next = isToTell ? commandLines(await this.#toTell(one)) : undefined;
    this.#terms.tally.scr({ id, name: toText(fromLatin1(name)), kind, ...end, ...(next && { next }) });
  }

  /** What there is to be done, by SCR's files and by verdicts of earlier runs. */
  async #todo(): Promise<Todo[]> {
    const dot = dotScr(this.#prefix);
    await this.#check(dot);
    const books = await readBooks(this.#prefix);
    const ids = new Set(books.flushing.keys());
    for (const { name } of await entriesOf(dot)) {
      const [, id] = /^scr\.dataset\.(\d{1,10})$/.exec(name) ?? [];
      if (id !== undefined) ids.add(Number(id));
    }
    const all: Todo[] = [];
    for (const id of ids) {
      const one = await this.#lookAt(id, books);
      if (one) all.push(one);
    }
    return all;
  }

  /** As root: nothing is opened that others may have put there. */
  async #check(dir: string): Promise<void> {
    if (await this.#mayOpen(dir)) return;
    const why = "it is root's, and other users can write to it or to a directory above: make it root's alone";
    throw new AxlError('AXL_UNSAFE_PATH', `${displayName(fromLatin1(dir))}: ${why}`);
  }

  async #lookAt(id: number, books: Books): Promise<Todo | undefined> {
    const dir = directoryOf(this.#prefix, id);
    const there = await this.#namesIn(dir);
    const isDecided = there.some((name) => VERDICT.exec(name)?.[1] === datasetId(id));
    const [listed, indexed] = [books.flushing.get(id), books.index.get(id)];
    if (!isDecided && (!listed || isDoneForScr(books, id))) return undefined;
    const isCheckpoint = listed?.isCheckpoint ?? indexed?.isCheckpoint ?? false;
    const kind = listed?.isOutput ? 'output' : isCheckpoint ? 'checkpoint' : listed ? undefined : 'output';
    const verdict = isDecided ? await (await this.#homes.open(dir)).read(datasetId(id)) : undefined;
    return {
      ...{ id, kind, isCheckpoint, dir, verdict, files: listed?.files, bytes: listed?.bytes },
      name: listed?.name ?? indexed?.name ?? `scr.dataset.${id}`,
      names: there.filter((name) => rankOf(name) !== undefined),
      traces: there.filter((name) => LOCK.test(name)).map((name) => `${dir}/${name}`),
    };
  }

  async #namesIn(dir: string): Promise<string[]> {
    try {
      const entries = await entriesOf(dir);
      await this.#check(dir);
      return entries.map(({ name }) => name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Why datasets have to be left that share a file with another one: of AXL's transfers nobody could tell whose it is. */
  async #conflicts(todo: readonly Todo[]): Promise<Map<Todo, Failure>> {
    const all = todo.flatMap((one) => one.names.map((name) => ({ one, path: `${one.dir}/${name}` })));
    if (todo.length < 2 || all.length === 0) return new Map();
    const packed = fromLatin1(all.map(({ path }) => `${path}\0`).join(''));
    const { shared } = await answer(native().meetings(packed, this.#terms.policy.jobs));
    const paths = new Map([...all.entries()].filter(([i]) => shared[i] === 1).map(([i, { path }]) => [i, path]));
    const found = new Map<Todo, Failure>();
    for (const [i, failure] of sharedByAxl(paths)) found.set((all[i] as { one: Todo }).one, failure);
    return found;
  }

  async #one(one: Todo, conflict: Failure | undefined): Promise<Ended> {
    if (one.kind === undefined) return this.#notComplete(one, 'SCR says that it is neither an output nor a checkpoint');
    if (conflict) return this.#fail(one, conflict);
    if (one.names.length === 0) return this.#withoutStateFiles(one);
    const end = await this.#finalize(one, await this.#ranks(one));
    if (end) return end;
    return this.#withoutStateFiles((await this.#lookAt(one.id, await readBooks(this.#prefix))) ?? one);
  }

  async #ranks({ id, name, names, files, bytes }: Todo): Promise<ScrRanks> {
    const ranks = await countRanks(this.#prefix, id);
    const size = ranks ?? Math.max(...names.map((file) => rankOf(file) ?? 0)) + 1;
    const isCounted = ranks !== undefined || files !== undefined;
    const known = { ...(files !== undefined && { files }), ...(bytes !== undefined && { bytes }) };
    return { prefix: this.#prefix, id, name: toText(fromLatin1(name)), size, isCounted, ...known };
  }

  /** What is run for what is published: the caller's command, or SCR's programs, unless SCR knows. */
  async #commands(one: Todo): Promise<Terms['onPublished']> {
    const { onPublished } = this.#terms;
    if (onPublished !== undefined || !this.#programs) return onPublished;
    if (isDoneForScr(await readBooks(this.#prefix), one.id)) return undefined;
    return commandLines(await this.#toTell(one), this.#programs);
  }

  async #finalize(one: Todo, scr: ScrRanks): Promise<Ended | undefined> {
    const { dir, names, traces } = one;
    const { policy, tally, ...rest } = this.#terms;
    const own = new Tally(policy, (event, paths) => tally.pass(event, paths ?? (() => []), `scr ${one.id}`));
    const onPublished = await this.#commands(one);
    const until = onPublished === undefined || policy.dryRun ? UNTIL.all : UNTIL.pointer;
    const terms = { ...rest, tally: own, scr, onPublished, policy: { ...policy, until, handsOver: true } };
    const listing = (of: readonly string[]): Listing => ({
      directories: [{ dir, names: of, searched: dir, whole: true }],
      ...{ listed: [dir], traces, unreadable: [] },
    });
    const again = async () => listing((await this.#namesIn(dir)).filter((name) => rankOf(name) !== undefined));
    await finalizeListing(listing(names), terms, { dataset: true, wait: this.#wait, adopt: false }, again);
    const report = own.report();
    tally.absorb(report, sum);
    const end = endOf(report);
    if (end && isPublished(end)) await this.#concluded(one, onPublished !== undefined);
    return end;
  }

  /** The verdict is of no use any more once SCR knows. @param isTold has SCR been told by this run? */
  async #concluded({ id, dir, isCheckpoint }: Todo, isTold: boolean): Promise<void> {
    if (isCheckpoint && isTold) this.#newest = Math.max(this.#newest, id);
    if (this.#terms.policy.dryRun || !isDoneForScr(await readBooks(this.#prefix), id)) return;
    const home = await this.#homes.open(dir);
    await home.alone(datasetId(id), 0, () => home.remove(datasetId(id), [dir]));
  }

  async #toTell({ id, name, isCheckpoint }: Todo) {
    const { index } = await readBooks(this.#prefix);
    const complete = [...index].filter(([, known]) => known.isCheckpoint && known.isComplete).map(([other]) => other);
    const isCurrent = isCheckpoint && id > Math.max(this.#newest, ...complete.filter((other) => other !== id));
    return { prefix: this.#prefix, id, name, isSummarized: await isSummarized(this.#prefix, id), isCurrent };
  }

  /** Published in an earlier run, or never begun: a verdict tells. */
  async #withoutStateFiles(one: Todo): Promise<Ended> {
    const { verdict, dir } = one;
    const isDecided = verdict !== undefined && publishes(verdict);
    const pending = isDecided ? await (await this.#homes.open(dir)).isPending(verdict) : undefined;
    if (pending === 'no') {
      await this.#concluded(one, false);
      return { outcome: 'published before' };
    }
    return this.#notComplete(one, 'no rank has a state file: its flush had not begun, or SCR was not to leave them');
  }

  #notComplete(one: Todo, why: string): Ended {
    const none = { verdict: 'incomplete', size: 0, missing: [], missingCount: 0 } as const;
    this.#terms.tally.dataset({ name: toText(fromLatin1(one.name)), ...none, why });
    return { outcome: 'incomplete', why };
  }

  #fail({ dir, names, name }: Todo, error: Failure): Ended {
    for (const file of names) {
      const known = {
        ...NOTHING_KNOWN,
        format: 'axl',
        name: toText(fromLatin1(name)),
        rank: rankOf(file) ?? 0,
      } as const;
      this.#terms.tally.entry(makeEntry(fromLatin1(`${dir}/${file}`), 'failed', { ...known, error }));
    }
    return { outcome: 'failed', why: error.message };
  }
}

/**
 * @param wait milliseconds
 * @param mayOpen as root: whether nobody else can have prepared what is in a directory
 */
export const finalizePrefix = (
  asked: ScrAsked,
  terms: Terms,
  wait: number,
  mayOpen: (dir: string) => Promise<boolean>,
): Promise<void> => new PostStage(asked, terms, wait, mayOpen).run();
