// The files of contrib/, each read by the tool that it is for. What has none in Debian (Apptainer, Spack) is looked at as far
// as that goes.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MAIN } from '../../lib/cli/options.js';
import { METRICS } from '../../lib/cli/output/metrics.js';
import { Place, root } from '../support.js';

const contrib = join(root, 'contrib');
const read = (name: string) => fs.readFileSync(join(contrib, name), 'utf8');
const { version } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));

/** False, or why a test of it is skipped. */
const without = (tool: string) =>
  spawnSync('/bin/sh', ['-c', `command -v ${tool}`]).status === 0 ? false : `${tool} is not installed`;

function accepts(t: Test, command: string, args: readonly string[], cwd = contrib): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  t.equal(status, 0, `${command}: ${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

t.test('systemd reads the units of the sweep', { skip: without('systemd-analyze') }, async (t) => {
  const units = ['axl-sweep.service', 'axl-sweep.timer'].map((name) => join(contrib, 'systemd', name));
  const said = accepts(t, 'systemd-analyze', ['verify', '--man=no', ...units]);
  t.notMatch(said, /axl-sweep/, 'without a warning');
});

t.test('the sweep has options of axl-finalize', async (t) => {
  const command = /^ExecStart=((?:.*\\\n)*.*)/m.exec(read('systemd/axl-sweep.service'))?.[1] ?? '';
  const given = [...command.matchAll(/ (--[\w-]+)/g)].map((match) => match[1]);
  t.ok(given.length > 3);
  for (const option of given)
    t.ok(
      MAIN.options.some(({ name }) => name === option),
      `${option}`,
    );
});

t.test('promtool reads the alerts, and they fire when they should', { skip: without('promtool') }, async (t) => {
  accepts(t, 'promtool', ['check', 'rules', 'prometheus/axl-finalize.rules.yml']);
  accepts(t, 'promtool', ['test', 'rules', 'prometheus/axl-finalize.test.yml']);
});

t.test('the alerts name metrics that there are', async (t) => {
  const named = [...read('prometheus/axl-finalize.rules.yml').matchAll(/\baxl_finalize_\w+/g)].map(([name]) => name);
  t.ok(named.length > 4);
  for (const metric of named)
    t.ok(
      METRICS.some(({ name }) => name === metric),
      metric,
    );
});

t.test('logrotate reads what is for it', { skip: without('logrotate') }, async (t) => {
  const place = new Place(t);
  const config = place.write('config', read('logrotate/axl-transfer'));
  fs.chmodSync(config, 0o644);
  const said = accepts(t, 'logrotate', ['--debug', '--state', place.path('st'), config]);
  t.match(said, /Handling 1 logs/);
  t.notMatch(said, /error/);
});

const INIT = '/usr/share/modules/init/bash';
const noModules = fs.existsSync(INIT) ? false : 'Environment Modules are not installed';

t.test('module load gives the programs, and module unload takes them away', { skip: noModules }, async (t) => {
  const script = `source ${INIT}; module use modulefiles; module load axl-transfer
    echo "$PATH:$AXL_TRANSFER_ROOT"; module unload axl-transfer; echo "$PATH:$AXL_TRANSFER_ROOT"`;
  const [loaded = '', unloaded = ''] = accepts(t, 'bash', ['-c', script]).split('\n');
  t.match(loaded, `/opt/axl-transfer/${version}/bin:`);
  t.match(loaded, `/opt/axl-transfer/${version}/lib/node_modules/axl-transfer`);
  t.notMatch(unloaded, '/opt/axl-transfer');
});

t.test('the recipe for Spack is Python', { skip: without('python3') }, async (t) => {
  accepts(t, 'python3', [
    '-c',
    'import ast, sys; ast.parse(open(sys.argv[1]).read())',
    'spack/axl_transfer/package.py',
  ]);
});

t.test('what names a version names this one', async (t) => {
  for (const name of ['spack/axl_transfer/package.py', 'apptainer/axl-transfer.def', 'systemd/axl-sweep.service'])
    for (const [, named] of read(name).matchAll(/axl-transfer[-/](\d+\.\d+\.\d+)/g)) t.equal(named, version, name);
  t.same(fs.readdirSync(join(contrib, 'modulefiles/axl-transfer')), [version]);
});
