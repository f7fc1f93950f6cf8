// A stored mode in letters, as restic and `ls -l` show it.

// Bits of Go's os.FileMode above the permissions, with the letter that Go prints for each.
const letters: readonly (readonly [bit: number, letter: string])[] = [
  [2 ** 31, "d"],
  [2 ** 27, "L"],
  [2 ** 26, "D"],
  [2 ** 25, "p"],
  [2 ** 24, "S"],
  [2 ** 23, "u"],
  [2 ** 22, "g"],
  [2 ** 21, "c"],
  [2 ** 20, "t"],
];

/** Go's text of a FileMode, such as "drwxr-xr-x", "-rw-r--r--", "Lrwxrwxrwx" or "ug-rwxr-xr-x". */
export function fileModeText(mode: number): string {
  let kind = "";
  for (const [bit, letter] of letters) if (Math.floor(mode / bit) % 2 === 1) kind += letter;
  let permissions = "";
  for (let shift = 8; shift >= 0; shift--) permissions += (mode >>> shift) & 1 ? "rwx"[(8 - shift) % 3] : "-";
  return (kind === "" ? "-" : kind) + permissions;
}
