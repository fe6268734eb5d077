// What a wrong command line is, also where only the library or standard input shows that it is wrong.
export class UsageError extends Error {
  override name = 'UsageError';
}
