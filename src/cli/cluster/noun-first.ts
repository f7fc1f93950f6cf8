// velero takes its words in both orders: `backup create NAME` and `create backup NAME`, `get backups`.

const nouns: Readonly<Record<string, string>> = {
  backup: "backup",
  backups: "backup",
  restore: "restore",
  restores: "restore",
  schedule: "schedule",
  schedules: "schedule",
  "backup-location": "backup-location",
  "backup-locations": "backup-location",
};

/** The same words with the noun first. Words that are in neither order stay as they are. */
export function nounFirst(words: readonly string[]): readonly string[] {
  const [first = "", second = "", ...rest] = words;
  const noun = nouns[second];
  return nouns[first] !== undefined || noun === undefined ? words : [noun, first, ...rest];
}
