// axl-verify: runs verify(), prints a line or a row of JSON for each file as it comes, and what is wrong at the end.
import { version } from '../../base/addon.js';
import { now } from '../../base/clock.js';
import { displayName } from '../../base/names.js';
import { type VerifiedFile, type VerifyProgress, type VerifyReport, verify } from '../../index.js';
import { toBytes } from '../names.js';
import { Causes } from '../output/causes.js';
import { toJson } from '../output/json.js';
import type { Meter } from '../output/meter.js';
import { complain, say, stdout } from '../output/output.js';
import { LongRun } from '../output/progress.js';
import { plural, size } from '../output/text.js';
import { abortOnSignals } from '../signals.js';
import { verifyStatus } from './options.js';
import type { VerifyRequest } from './parse.js';

/** Why, without the name, which the line has. */
function reasonOf({ verdict, error }: VerifiedFile, name: string): string {
  if (!error || verdict === 'missing') return '';
  const at = error.message.indexOf(`${name}: `);
  return `: ${at < 0 ? error.message : error.message.slice(at + name.length + 2)}`;
}

function print(file: VerifiedFile): void {
  const name = displayName(file.pathBytes);
  say([`${file.verdict} ${name}${reasonOf(file, name)}`]);
}

/** The document of --json, whose files are written as they come. */
class Document {
  #separator = '\n';

  constructor(inputs: readonly Buffer[]) {
    const heading = { version: version(), inputs: inputs.map(displayName) };
    stdout.write(`${toJson(heading).slice(0, -1)},\n"files":[`);
  }

  add(file: VerifiedFile): void {
    stdout.write(`${this.#separator}${toJson(file)}`);
    this.#separator = ',\n';
  }

  end({ problems: _, ...report }: VerifyReport, status: number): void {
    stdout.write(`],\n${toJson({ ...report, status }).slice(1)}\n`);
  }
}

function summary({ counts, manifests, bytes, interrupted }: VerifyReport): string {
  const { ok, ...others } = counts;
  const more = Object.entries(others).flatMap(([verdict, n]) => (n > 0 ? [`${n} ${verdict}`] : []));
  const parts = [
    `${plural(ok, 'file')} ok${bytes > 0 ? `, ${size(bytes)}` : ''}`,
    ...more,
    plural(manifests.length, 'manifest'),
  ];
  return `axl-verify: ${parts.join('; ')}${interrupted ? '; stopped early' : ''}`;
}

function complainOf({ unreadable, missingRanks }: VerifyReport): void {
  const causes = new Causes(Number.POSITIVE_INFINITY);
  for (const failure of unreadable) causes.add('', failure);
  causes.tell();
  for (const { dataset, ranks, missing, missingCount } of missingRanks) {
    const shown = `${missing.slice(0, 10).join(', ')}${missingCount > 10 ? ', ...' : ''}`;
    const of = dataset === undefined ? '' : ` of dataset ${dataset}`;
    complain(`${missingCount} of ${plural(ranks, 'rank')}${of} without a manifest in the inputs: ${shown}`);
  }
}

/** @returns the exit status */
export async function run({ inputs, strict, jobs, quiet, progress, json }: VerifyRequest): Promise<number> {
  const paths = inputs.map(toBytes);
  const document = json && new Document(paths);
  const started = now();
  let seen: VerifyProgress = { files: 0, filesTotal: 0, bytes: 0, bytesTotal: 0 };
  const meter = (): Meter => ({
    what: 'files',
    ...{ done: seen.files, total: seen.filesTotal, bytes: seen.bytes, elapsed: now() - started },
    work: { done: seen.bytes, total: seen.bytesTotal, elapsed: now() - started },
  });
  const shown = new LongRun(progress && !quiet, meter);
  const report = await verify(paths, {
    ...{ strict: strict === true, ...(jobs !== undefined && { jobs }), signal: abortOnSignals() },
    ...(!(quiet && !document) && { onFile: (file) => (document ? document.add(file) : print(file)) }),
    onProgress: (told) => {
      seen = told;
    },
  });
  shown.stop();
  if (quiet && !document) for (const file of report.problems) print(file);
  const status = verifyStatus(report);
  document?.end(report, status);
  if (!document && !quiet) say([summary(report)]);
  complainOf(report);
  return status;
}
