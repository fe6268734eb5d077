// The checks of the repository find what they are for: each on a small sample that breaks its rule, and one that does not.
import t from 'tap';
import * as checks from './checks.js';

const file = (text: string, path = 'lib/x.ts'): checks.Source => ({ path, text });

t.test('a file without a word on what lives in it is found', async (t) => {
  const files = [
    file('import x;\n', 'a.ts'),
    file('// What.\nimport x;\n', 'b.ts'),
    file('#!/bin/sh\n# What.\n', 'c.sh'),
  ];
  t.same(checks.withoutFirstLines(files), ['a.ts']);
});

t.test('a file that is too long is found', async (t) => {
  t.same(checks.longFiles([file('a\n'.repeat(3)), file('a\n'.repeat(2), 'short')], 2), ['lib/x.ts: 3']);
});

t.test('a line that is too wide is found, unless a text or a comment makes it so', async (t) => {
  const wide = 'x = 12345678;';
  t.same(checks.wideLines([file(`y;\n${wide}\n`)], 10), ['lib/x.ts:2']);
  t.same(checks.wideLines([file(`y = 'a long text';\n// a long comment\n\`of two\nlines that are long\`\n`)], 10), []);
});

t.test('functions and classes of TypeScript are measured', async (t) => {
  const text = 'class A {\n  // why\n\n  b() {\n    return 1;\n  }\n}\nconst f = () => {\n  g();\n};\n';
  const { functions, classes } = checks.measureTypeScript(file(text));
  t.same(
    functions.map(({ name, lines }) => [name, lines]),
    [
      ['b', 3],
      ['f', 3],
    ],
  );
  t.same(
    classes.map(({ name, lines }) => [name, lines]),
    [['A', 5]],
  );
  t.same(checks.longer(functions, 2), ['lib/x.ts b: 3', 'lib/x.ts f: 3']);
});

t.test('functions and classes of C++ are measured', async (t) => {
  const text = `namespace axl {
// A class.
class A : public B {
 public:
  A() = default;
  int Inline() const {
    return 1;
  }
};

enum class E { kOne };

Status A::Long(const std::string& path,
               int more) {
  if (more) {
    return "}";
  }
  return {};
}
}  // namespace axl
`;
  const { functions, classes } = checks.measureCpp([file(text, 'native/a.cc')]);
  t.same(
    functions.map(({ name, lines }) => [name, lines]),
    [
      ['Inline', 3],
      ['A::Long', 7],
    ],
  );
  t.same(
    classes.map(({ name, lines }) => [name, lines]),
    [['A', 7]],
  );
});

t.test('links to files and headings that are not there are found', async (t) => {
  const pages = [
    file('# One `two`\n[a](other.md) [b](other.md#three) [c](#one-two) [d](https://x.org/#y)\n', 'docs/page.md'),
    file(
      '# Three\n# Three\n[up](../docs/page.md#nothing) [gone](gone.md) `[no](link)` [again](#three-1)\n',
      'docs/other.md',
    ),
  ];
  t.same(
    checks.deadLinks(pages, (path) => pages.some((page) => page.path === path)),
    ['docs/other.md: ../docs/page.md#nothing', 'docs/other.md: gone.md'],
  );
});

t.test('a room that the table of layers forgets is found, and a name that is gone', async (t) => {
  const page = 'Layers:\n```\nlib/base/   names\nlib/gone.ts   nothing\nnative/os    calls\n```\n';
  const found = checks.layersMissing(page, ['lib/base', 'native/os', 'native/plan'], (path) => path !== 'lib/gone.ts');
  t.same(found, ['lib/gone.ts is not there', 'native/plan has no line']);
});

t.test('an enumeration of C++ is read with its words and numbers', async (t) => {
  const text = 'enum class E : uint8_t {\n  kOne = 1,  // kNot\n  kRolledBack,\n  kSix = 6,\n};\nenum class F { kA };';
  t.same(checks.cppEnum(text, 'E'), { one: 1, 'rolled-back': 2, six: 6 });
  t.same(checks.cppEnum(text, 'F'), { a: 0 });
  t.throws(() => checks.cppEnum(text, 'G'), 'one that is not there');
});

t.test('a call that has a replacement is found, where it is banned', async (t) => {
  const ban = { call: /\bfsync\(/, instead: 'Os::Fsync', within: ['native/'], but: ['native/os/'] };
  const text = 'x();\nfsync(fd);\n// fsync(fd)\n';
  const files = ['native/a.cc', 'native/os/a.cc', 'lib/a.ts'].map((path) => file(text, path));
  t.same(checks.banned(files, [ban]), ['native/a.cc:2: Os::Fsync']);
});

t.test('a sentence without its noun is found in TypeScript and C++, and in no comment', async (t) => {
  const bad = ['whoever calls it waits', 'the state file goes with it', 'only one who may write does'];
  for (const text of bad) {
    t.equal(checks.withoutNoun([file(`f('${text}'); // goes, whoever`)]).length, 1, text);
    t.equal(checks.withoutNoun([file(`// "whoever calls it"\nf("${text}");\n`, 'a.cc')]).length, 1, text);
  }
  const good = ['the user who runs it writes', 'axl-finalize goes on', 'goes', 'delete the file by hand'];
  for (const text of good) t.same(checks.withoutNoun([file(`f('${text}');`)]), [], text);
});
