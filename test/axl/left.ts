// What the C library AXL left of a transfer of some sources, and what has to become of it.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import { type FinalizeOptions, finalize } from '../../lib/index.js';
import { type Left, leaveAxl } from '../kvtree.js';
import { bytes, Place, tree } from '../support.js';

const MTIME = 1_700_000_000.123;
const ENDED = { jobEnded: true } as const;

/** Two sources, and what AXL left of their transfer. */
export class Axl {
  readonly place: Place;
  readonly stateFile: string;
  readonly files: Record<string, string> = {};
  readonly left: Left;

  constructor(t: Test, left: Left = {}, names: readonly string[] = ['a', 'b']) {
    this.left = left;
    this.place = new Place(t);
    for (const [i, name] of names.entries()) {
      const source = this.place.write(`source/${name}`, bytes(10_000 + i, i + 1));
      fs.chmodSync(source, 0o640);
      fs.utimesSync(source, MTIME, MTIME + i);
      this.files[source] = this.dest(name);
    }
    this.stateFile = leaveAxl(this.place.path('states', 'rank_0.state_file'), this.files, left);
  }

  dest = (name: string): string => this.place.path('dest', name);
  source = (name: string): string => this.place.path('source', name);
  temporary = (name: string): string => this.dest(name) + (this.left.suffix ?? '._AXL');
  rename = (name: string): void => fs.renameSync(this.temporary(name), this.dest(name));
  /** As AXL does when all is copied, before the first rename. */
  giveTimes(name: string, path = this.temporary(name)): void {
    const { atime, mtime } = fs.statSync(this.source(name));
    fs.utimesSync(path, atime, mtime);
  }
  readonly finalize = (options: FinalizeOptions = {}) => finalize(this.place.states, { ...ENDED, ...options });
  readonly is = (name: string, path = this.dest(name)): boolean =>
    fs.existsSync(path) && fs.readFileSync(path).equals(fs.readFileSync(this.source(name)));

  /** All that may be changed. */
  now = () => ({ dest: tree(this.place.path('dest')), states: tree(this.place.states) });

  published(t: Test, described = true): void {
    for (const name of Object.values(this.files).map((dest) => dest.slice(this.dest('').length))) {
      t.ok(this.is(name), `${name} has the bytes of its source`);
      const [now, wanted] = [this.dest(name), this.source(name)].map((path) => fs.statSync(path, { bigint: true }));
      if (described) t.match(now, { mode: wanted?.mode, mtimeNs: wanted?.mtimeNs, uid: wanted?.uid });
    }
    t.same(
      fs.readdirSync(this.place.path('dest')).sort(),
      Object.values(this.files).map((d) => d.split('/').at(-1)),
    );
    t.same(fs.readdirSync(this.place.states), [], 'the state file is deleted');
  }

  async untouched(t: Test, options: FinalizeOptions, action: string, code: string): Promise<void> {
    const before = this.now();
    const { problems } = await this.finalize(options);
    t.match(problems, [{ action, format: 'axl', error: { code } }]);
    t.same(this.now(), before, 'nothing is changed');
  }
}
