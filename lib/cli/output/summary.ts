// What an operator reads at the end, at 3 a.m.: what was published, what was not and why, and what to run next.
import { isRoot } from '../../base/keep.js';
import type { DatasetVerdict, FinalizeReport, ScrDataset } from '../../index.js';
import { isObstacle } from '../statuses.js';
import { duration, lackingText, plural, shellWord, size } from './text.js';

/**
 * One line that says it all when all is well, and can be searched for in a log.
 * @param of what part of a run it is of
 */
export function summaryLine(report: FinalizeReport, of?: string): string {
  const { counts, files, bytes, unreadable, locked, dryRun, ...rest } = report;
  const { gone, 'not-state': strangers, ...ours } = counts;
  const named = rest.problems.filter(({ action }) => action === 'not-state').length;
  const others = strangers - named;
  const done = Object.entries(ours).filter(([, n]) => n > 0);
  const total = done.reduce((sum, [, n]) => sum + n, 0);
  const parts = [
    [plural(total, 'state file'), done.map(([action, n]) => `${n} ${action}`).join(', ')].filter(Boolean).join(': '),
    ...(counts.published > 0 ? [`${plural(files, 'file')} published, ${size(bytes)}`] : []),
    ...lackingText(rest.lacking, rest.lacks),
    ...(rest.resumed > 0 ? [`${plural(rest.resumed, 'transfer')} completed from the sources`] : []),
    ...(gone > 0 ? [`${gone} finalized by another finalizer meanwhile`] : []),
    ...(named > 0 ? [`${plural(named, 'input')} that ${named > 1 ? 'are' : 'is'} no state file`] : []),
    ...(others > 0 ? [`${plural(others, 'other name')} left alone`] : []),
    ...(rest.fewer
      ? [`${rest.fewer.seen} of ${plural(rest.fewer.expected, 'expected state file')} seen, nothing was done`]
      : []),
    ...(unreadable.length > 0 ? [`${plural(unreadable.length, 'input')} not read`] : []),
    ...(locked.length > 0 ? [`${plural(locked.length, 'directory')} left to another finalizer`] : []),
    ...(dryRun ? ['dry run, nothing was changed'] : []),
    ...(rest.interrupted ? ['INTERRUPTED'] : []),
    duration(rest.timings.total),
  ];
  return `axl-finalize: ${of === undefined ? '' : `${of}: `}${parts.join('; ')}`;
}

/** The command line that was given, with other options, for a shell. */
export class Again {
  readonly #words: readonly Buffer[];
  readonly #dropped: readonly string[];

  constructor(words: readonly Buffer[], dropped: readonly string[] = []) {
    this.#words = words;
    this.#dropped = dropped;
  }

  without(option: string): Again {
    return new Again(this.#words, [...this.#dropped, option]);
  }

  /** Without some options, then with others. An option that takes the next word is written `--name WORD`. */
  line(add: readonly string[] = [], more: readonly string[] = []): string {
    const drop = [...this.#dropped, ...more];
    const kept: string[] = [];
    for (let i = 0; i < this.#words.length; i++) {
      const word = this.#words[i] as Buffer;
      const name = word.toString('latin1').split('=', 1)[0] as string;
      if (drop.includes(`${name} WORD`) && !word.includes('=')) i++;
      else if (!drop.some((option) => option.split(' ')[0] === name)) kept.push(shellWord(word));
    }
    return ['axl-finalize', ...add, ...kept].join(' ');
  }
}

function missingRanks({ missing, missingCount, size: ranks }: DatasetVerdict): string {
  const shown = missing.slice(0, 10).join(', ');
  const more = missingCount > Math.min(10, missing.length) ? ', ...' : '';
  return `${missingCount} of ${plural(ranks, 'rank')} without a complete transfer: ${shown}${more}`;
}

export function* datasetLines(datasets: readonly DatasetVerdict[], show: (name: string) => string): Generator<string> {
  for (const dataset of datasets.filter(({ verdict }) => verdict !== 'complete')) {
    const why = dataset.verdict === 'busy' ? 'a rank is alive, or may be' : (dataset.why ?? missingRanks(dataset));
    yield `dataset ${show(dataset.name)}: not published; ${why}`;
  }
}

const inWords = (words: readonly string[]): string => words.map((word) => shellWord(Buffer.from(word))).join(' ');

/** What became of each dataset of SCR, in the order of the work; and what SCR has not been told. */
export function* scrLines(datasets: readonly ScrDataset[], show: (name: string) => string): Generator<string> {
  for (const { id, name, kind, outcome, why, next } of datasets) {
    yield `${kind} ${id} (${show(name)}): ${outcome}${why === undefined ? '' : `; ${why}`}`;
    if (next) yield `To tell SCR of it:  ${next.map(inWords).join(' && ')}`;
  }
}

const MODE = ['--incomplete WORD', '--fallback WORD'];

/** What to do about each kind of thing that was not published. */
function* advice(report: FinalizeReport, incomplete: string, again: Again): Generator<string> {
  const { counts, locked, unreadable, dryRun, interrupted, fewer } = report;
  const obstacles = incomplete === 'delete' ? [] : report.problems.filter(isObstacle);
  const kept = counts.kept - obstacles.filter(({ action }) => action === 'kept').length;
  if (fewer) return yield `To look again:  ${again.line()}`;
  if (dryRun) return yield `To do it:  ${again.line([], ['--dry-run'])}`;
  if (interrupted) yield `Stopped early; what was copied is kept. To go on:  ${again.line()}`;
  if (unreadable.length > 0)
    yield isRoot()
      ? 'An input could not be read: nothing was deleted of those users whose state files may be there.'
      : 'Nothing was deleted, because an input could not be read.';
  if (!interrupted && counts.failed + unreadable.length + obstacles.length > 0)
    yield `Remove the causes that are named above, then run:  ${again.line()}`;
  if (counts.corrupt > 0) yield 'Corrupt state files were left alone. To look at one:  axl-finalize inspect STATE_FILE';
  if (counts.busy > 0)
    yield `Busy transfers have a live writer. To wait for it:  ${again.line(['--wait'], ['--wait'])}`;
  if (locked.length > 0) yield `Another finalizer is at work. To check when it has ended:  ${again.line()}`;
  if (counts['rolled-back'] > 0)
    yield 'The temporary files of rolled-back transfers were deleted; their destinations are what they were before.';
  if (kept > 0 && incomplete === 'delete' && unreadable.length === 0)
    yield 'Transfers were kept because not all was seen that may belong to their datasets.';
  if (interrupted) return;
  if (kept > 0 && incomplete !== 'resume')
    yield `To complete kept transfers, where their sources are:  ${again.line(['--incomplete=resume'], MODE)}`;
  if (kept > 0 && incomplete === 'resume')
    yield `Kept transfers could not be completed, see above. To give them up:  ${again.line(['--incomplete=delete'], MODE)}`;
}

/** The lines after the first: none if all is well. */
export function details(
  report: FinalizeReport,
  incomplete: string,
  again: Again,
  show: (name: string) => string,
): string[] {
  const next = report.fewer || report.dryRun ? again : again.without('--expect WORD'); // fewer are left now
  const lines = report.scr ? scrLines(report.scr, show) : datasetLines(report.datasets, show);
  return [...lines, ...advice(report, incomplete, next)].map((line) => `  ${line}`);
}
