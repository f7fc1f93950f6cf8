// How a repository shows which program wrote something: snapshots by "name version", locks by a field of that name.

/** The name of this program. */
export const ourProgram = "stowage";

/** True for the `programVersion` of a snapshot that this program made. */
export function isOurVersion(programVersion: string): boolean {
  return programVersion.startsWith(`${ourProgram} `);
}
