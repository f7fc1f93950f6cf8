// Our program as users start it: as `npm run build` has made it, with the environment and the flags of Node that stand in
// the first line of the executable.
import { readFileSync } from "node:fs";
import type { Words } from "./session.ts";

/**
 * @param executable whose first line is "#!/usr/bin/env -S NAME=VALUE… node FLAG…".
 * @returns the words before a command; `node` is this process's own, so that nothing depends on PATH.
 * @throws Error for another first line: then nobody knows how it is started.
 */
export function startWords(executable: string): Words {
  const [firstLine = ""] = readFileSync(executable, "utf8").split("\n", 1);
  const { variables = "", flags = "" } =
    /^#!\/usr\/bin\/env -S (?<variables>(?:\w+=\S+ )*)node(?<flags>(?: --\S+)*)$/.exec(firstLine)?.groups ?? {};
  if (variables === "" && flags === "") throw new Error(`${executable} begins with "${firstLine}", which says nothing`);
  const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
  return ["env", ...words(variables), process.execPath, ...words(flags), executable];
}
