// User xattrs, for which Node has no call: perl's syscall() makes it, one process for any number of files.
// Where there is no perl, or the machine's system call numbers are not below, there are none and the demo says so.
import { spawnSync } from 'node:child_process';

// lsetxattr, llistxattr, lgetxattr
const calls = { x64: [189, 195, 192], arm64: [6, 12, 9] }[process.arch];

const setter = `
  my ($set) = @ARGV; $/ = "\\0"; chomp(my @in = <STDIN>);
  while (my ($path, $name, $hex) = splice(@in, 0, 3)) {
    my $value = pack("H*", $hex);
    syscall($set + 0, $path, $name, $value, length($value), 0) == 0 or exit 1;
  }`;

// One line a file: name=hex name=hex ..., or ? if it cannot be read.
const getter = `
  my ($list, $get) = @ARGV; $/ = "\\0";
  while (my $path = <STDIN>) {
    chomp $path; my $names = "\\0" x 65536; my @found;
    my $n = syscall($list + 0, $path, $names, 65536);
    for my $name (sort grep { /^user\\./ } split /\\0/, substr($names, 0, $n > 0 ? $n : 0)) {
      my $value = "\\0" x 65536; my $m = syscall($get + 0, $path, $name, $value, 65536);
      push @found, "$name=" . ($m < 0 ? "?" : unpack("H*", substr($value, 0, $m)));
    }
    print "@found\\n";
  }`;

function perl(program, args, input) {
  if (calls === undefined) return undefined;
  const { status, stdout } = spawnSync('perl', ['-e', program, ...args.map(String)], {
    input: Buffer.from(input.map((field) => `${field}\0`).join(''), 'latin1'),
    maxBuffer: 64 << 20,
    encoding: 'latin1',
  });
  return status === 0 ? stdout : undefined;
}

/** @returns {boolean} false: no perl, or the file system has no user xattrs */
export function setXattr(path, name, value) {
  return perl(setter, [calls?.[0]], [path, name, Buffer.from(value).toString('hex')]) !== undefined;
}

/** @returns {string[] | undefined} for each path `name=hex name=hex ...`, sorted; undefined without perl */
export function readXattrs(paths) {
  const printed = perl(getter, calls?.slice(1) ?? [], paths);
  return printed?.split('\n').slice(0, paths.length);
}
