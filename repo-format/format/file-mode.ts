// The mode of a node is Go's os.FileMode, not st_mode: permission bits, and the type and the special bits high up.
// Values go up to 2^32 - 1, so everything here stays unsigned.

const statTypeMask = 0o170000;

/** Bits of Go's os.FileMode. */
const fileMode = {
  dir: 0x8000_0000,
  symlink: 0x0800_0000,
  device: 0x0400_0000,
  namedPipe: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  /** Set together with `device`. */
  charDevice: 0x0020_0000,
  sticky: 0x0010_0000,
  irregular: 0x0008_0000,
  permissions: 0o777,
} as const;

/** st_mode type → FileMode type. */
const types: readonly (readonly [number, number])[] = [
  [0o100000, 0],
  [0o040000, fileMode.dir],
  [0o120000, fileMode.symlink],
  [0o060000, fileMode.device],
  [0o020000, fileMode.device + fileMode.charDevice],
  [0o010000, fileMode.namedPipe],
  [0o140000, fileMode.socket],
];

const specials: readonly (readonly [number, number])[] = [
  [0o4000, fileMode.setuid],
  [0o2000, fileMode.setgid],
  [0o1000, fileMode.sticky],
];

const fileModeTypeMask: number = types.reduce<number>((mask, [, type]) => (mask | type) >>> 0, fileMode.irregular);

/** st_mode as lstat gives it → FileMode as a node stores it. An unknown type becomes irregular, as in Go. */
export function fileModeFromStat(statMode: number): number {
  const type = types.find(([statType]) => statType === (statMode & statTypeMask))?.[1] ?? fileMode.irregular;
  let mode = (type | (statMode & fileMode.permissions)) >>> 0;
  for (const [statBit, bit] of specials) if ((statMode & statBit) !== 0) mode = (mode | bit) >>> 0;
  return mode;
}

/** FileMode → st_mode; an irregular file has no type bits. */
export function statModeFromFileMode(mode: number): number {
  const type = (mode & fileModeTypeMask) >>> 0;
  const statType = types.find(([, bits]) => bits === type)?.[0] ?? 0;
  return statType | chmodBits(mode);
}

/** What chmod takes: the permissions and setuid, setgid and sticky (0 to 0o7777). */
export function chmodBits(mode: number): number {
  let bits = mode & fileMode.permissions;
  for (const [statBit, bit] of specials) if ((mode & bit) !== 0) bits |= statBit;
  return bits;
}

export function isDirectoryMode(mode: number): boolean {
  return (mode & fileMode.dir) !== 0;
}

/** True for a regular file: no type bit set. */
export function isRegularMode(mode: number): boolean {
  return (mode & fileModeTypeMask) === 0;
}
