// tap's reporter: one line for each test file, the diagnostics of every failed assertion, and the closing line
// `N passed, N failed[, N skipped]`. Counts leaves; a parent counts only when it failed without a failed child.
import { Transform } from 'node:stream';
import { Parser } from 'tap-parser';

const NOISE = new Set(['stdio', 'cwd', 'externalID', 'command', 'args', 'source', 'tapError', 'jobId']);

function diagnostics(diag) {
  const entries = Object.entries(diag ?? {}).filter(([key]) => !NOISE.has(key));
  return entries.map(([key, value]) => {
    const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value);
    return text.includes('\n') ? `    ${key}:\n${text.replace(/^/gm, '      ')}\n` : `    ${key}: ${text}\n`;
  });
}

export default class ClosingLineReporter extends Transform {
  #parser = new Parser({ name: 'run' });
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  constructor() {
    super();
    this.#watch(this.#parser, []);
  }

  /** Follows one parser and its children. @returns a state that says whether an assertion below it failed */
  #watch(parser, path) {
    const state = { failed: false };
    let child; // the subtest whose closing assertion comes next
    parser.on('child', (subtest) => {
      child = this.#watch(subtest, [...path, subtest.name]);
    });
    parser.on('assert', (assertion) => {
      if (path.length === 0) this.#announce(assertion);
      if (!this.#count(assertion, path, child)) state.failed = true;
      child = undefined;
    });
    parser.on('bailout', (reason) => {
      if (path.length === 0) this.#fail(`bail out: ${reason}`);
    });
    return state;
  }

  #announce({ ok, skip, name, time }) {
    const verdict = skip ? 'skip  ' : ok ? 'ok    ' : 'NOT OK';
    const reason = typeof skip === 'string' ? `: ${skip}` : '';
    this.push(`${verdict} ${name} (${((time ?? 0) / 1000).toFixed(1)} s)${reason}\n`);
  }

  #count(assertion, path, child) {
    if (assertion.skip || assertion.todo) {
      const reason = [assertion.skip, assertion.todo, 'no reason given'].find((text) => typeof text === 'string');
      if (path.length > 0) this.push(`  skipped: ${[...path, assertion.name].join(' > ')}: ${reason}\n`);
      this.#skipped++;
      return true;
    }
    if (assertion.ok) {
      if (!child) this.#passed++;
      return true;
    }
    if (!child?.failed) this.#fail([...path, assertion.name].join(' > '), assertion.diag);
    return false;
  }

  #fail(title, diag) {
    this.#failed++;
    this.push(`  failed: ${title}\n`);
    for (const line of diagnostics(diag)) this.push(line);
  }

  _transform(chunk, _encoding, done) {
    this.#parser.write(chunk);
    done();
  }

  _flush(done) {
    this.#parser.end();
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    this.push(`${this.#passed} passed, ${this.#failed} failed${skipped}\n`);
    done();
  }
}
