// --metrics: the totals of a run in Prometheus' text format, for node_exporter's textfile collector. No timestamps on
// samples, which that collector refuses; every sample carries the input, so that the files of several jobs can be side
// by side.

import { displayText } from '../../base/names.js';
import type { FinalizeReport } from '../../index.js';
import { NewFile } from './files.js';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number];

interface Run {
  readonly report: FinalizeReport;
  readonly status: number;
  /** In seconds since 1970. */
  readonly ended: number;
}

interface MetricRow {
  readonly name: string;
  /** Beside `input` and, of a shard's own file, `shard`. */
  readonly label?: string;
  readonly help: string;
  readonly samples: (run: Run) => readonly Sample[];
}

const alone = (value: number): Sample[] => [[{}, value]];

const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));
const escapeLabel = (text: string): string => escapeHelp(displayText(text)).replaceAll('"', '\\"');

function family({ name: full, help }: MetricRow, common: Labels, samples: readonly Sample[]): string {
  const line = ([labels, value]: Sample) => {
    const pairs = Object.entries({ ...common, ...labels }).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${full}{${pairs.join(',')}} ${value}\n`;
  };
  return `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} gauge\n${samples.map(line).join('')}`;
}

function byKey(key: string, values: Readonly<Record<string, number>>, factor = 1): Sample[] {
  return Object.entries(values).map(([name, value]) => [{ [key]: name }, value * factor]);
}

function verdicts({ datasets }: FinalizeReport): Record<string, number> {
  const counts = { complete: 0, incomplete: 0, busy: 0 };
  for (const { verdict } of datasets) counts[verdict]++;
  return counts;
}

/** docs/reference/reports.md has this table, too, made from here. */
export const METRICS: readonly MetricRow[] = [
  {
    name: 'axl_finalize_exit_status',
    help: 'Exit status of the last run: see axl-finalize(1).',
    samples: ({ status }) => alone(status),
  },
  {
    name: 'axl_finalize_last_run_timestamp_seconds',
    help: 'When the last run ended.',
    samples: ({ ended }) => alone(ended),
  },
  {
    name: 'axl_finalize_interrupted',
    help: '1 if a signal ended the last run early.',
    samples: ({ report }) => alone(Number(report.interrupted)),
  },
  {
    name: 'axl_finalize_state_files',
    label: 'action',
    help: 'State files of the last run, by what was done with them.',
    samples: ({ report }) => byKey('action', { ...report.counts }),
  },
  {
    name: 'axl_finalize_files_published',
    help: 'Files that the last run published.',
    samples: ({ report }) => alone(report.files),
  },
  {
    name: 'axl_finalize_bytes_published',
    help: 'Bytes in the files that the last run published.',
    samples: ({ report }) => alone(report.bytes),
  },
  {
    name: 'axl_finalize_files_lacking_metadata',
    help: "Published files and directories that lack a part of their source's metadata.",
    samples: ({ report }) => alone(report.lacking),
  },
  {
    name: 'axl_finalize_transfers_resumed',
    help: 'Transfers that the last run completed from their sources.',
    samples: ({ report }) => alone(report.resumed),
  },
  {
    name: 'axl_finalize_unreadable_inputs',
    help: 'Inputs that the last run could not read.',
    samples: ({ report }) => alone(report.unreadable.length),
  },
  {
    name: 'axl_finalize_locked_directories',
    help: 'State directories left to another finalizer.',
    samples: ({ report }) => alone(report.locked.length),
  },
  {
    name: 'axl_finalize_datasets',
    label: 'verdict',
    help: 'Datasets of the last run, by verdict.',
    samples: ({ report }) => byKey('verdict', verdicts(report)),
  },
  {
    name: 'axl_finalize_phase_seconds',
    label: 'phase',
    help: 'Wall time of the last run, by phase.',
    samples: ({ report }) => byKey('phase', { ...report.timings }, 0.001),
  },
];

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
    const run = { report, status, ended: Date.now() / 1000 };
    for (const row of METRICS) file.write(family(row, this.#common, row.samples(run)));
    file.publish();
  }
}
