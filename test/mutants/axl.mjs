// Faults of what is made of the state files of the C library AXL.
export const axlMutants = [
  {
    name: 'an older file of the same size counts as renamed by AXL',
    breaks: 'docs/reference/kvtree.md: is a file complete?',
    file: 'finalize/axl_decide.cc',
    from: 'return s.renamed == Renamed::kCannotTell ? AxlFate::kCannotTell : AxlFate::kIncomplete;',
    to: 'return AxlFate::kAtFinal;',
  },
  {
    name: 'what a later transfer of AXL has at the temporary name is published as that of an earlier one',
    breaks: 'docs/reference/kvtree.md: is a file complete?',
    file: 'finalize/axl_decide.cc',
    from: 'if (s.renamed == Renamed::kYes) return AxlFate::kAtFinal;',
    to: '',
  },
  {
    name: 'a state file of AXL is acted on without the word of the operator',
    breaks: 'who is alive has three answers',
    file: 'journal/liveness.cc',
    from: 'return word.job_ended ? dead : UnknownOfAxl(path);',
    to: 'return dead;',
  },
  {
    name: 'keys of KVTree are nested without a limit',
    breaks: 'docs/reference/kvtree.md: the bytes',
    file: 'journal/kvtree.cc',
    from: 'if (open_.size() > kMaxKvDepth)',
    to: 'if (false)',
  },
];
