// --metrics: the totals of a run in Prometheus' text format, for node_exporter's textfile collector. No timestamps on
// samples, which that collector refuses; every sample carries the input, so that the files of several jobs can be side
// by side.
import type { FinalizeReport } from '../index.js';
import { NewFile } from './files.js';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

function family(name: string, help: string, common: Labels, samples: readonly Sample[]): string {
  const full = `axl_finalize_${name}`;
  const line = ([labels, value]: Sample) => {
    const pairs = Object.entries({ ...common, ...labels }).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${full}{${pairs.join(',')}} ${value}\n`;
  };
  return `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} gauge\n${samples.map(line).join('')}`;
}

function byKey(key: string, values: Readonly<Record<string, number>>, factor = 1): Sample[] {
  return Object.entries(values).map(([name, value]) => [{ [key]: name }, value * factor]);
}

/** The totals of a run, into a file. */
export class MetricsSink {
  readonly #path: Buffer;
  readonly #common: Labels;

  constructor(path: Buffer, inputs: readonly string[], shard: string | undefined) {
    const input = inputs.length > 1 ? `${inputs[0]} and ${inputs.length - 1} more` : (inputs[0] ?? '');
    this.#path = path;
    this.#common = { input, ...(shard !== undefined && { shard }) };
  }

  end(report: FinalizeReport, status: number): void {
    const file = new NewFile(this.#path);
    file.write(metrics(report, status, Date.now(), this.#common));
    file.publish();
  }
}

function metrics(report: FinalizeReport, status: number, now: number, common: Labels): string {
  const of = (name: string, help: string, ...samples: Sample[]) => family(name, help, common, samples);
  const verdicts = { complete: 0, incomplete: 0, busy: 0 };
  for (const { verdict } of report.datasets) verdicts[verdict]++;
  const { counts, files, bytes, resumed, unreadable, locked, timings, interrupted } = report;
  return [
    of('state_files', 'State files of the last run, by what was done with them.', ...byKey('action', { ...counts })),
    of('files_published', 'Files that the last run published.', [{}, files]),
    of('bytes_published', 'Bytes in the files that the last run published.', [{}, bytes]),
    of('transfers_resumed', 'Transfers that the last run completed from their sources.', [{}, resumed]),
    of('unreadable_inputs', 'Inputs that the last run could not read.', [{}, unreadable.length]),
    of('locked_directories', 'State directories left to another finalizer.', [{}, locked.length]),
    of('datasets', 'Datasets of the last run, by verdict.', ...byKey('verdict', verdicts)),
    of('phase_seconds', 'Wall time of the last run, by phase.', ...byKey('phase', { ...timings }, 0.001)),
    of('interrupted', '1 if a signal ended the last run early.', [{}, Number(interrupted)]),
    of('exit_status', 'Exit status of the last run: see axl-finalize(1).', [{}, status]),
    of('last_run_timestamp_seconds', 'When the last run ended.', [{}, now / 1000]),
  ].join('');
}
