// Usage: trim-modules.mjs FOLDER: takes out of installed packages what no running program reads: types, source maps, the
// sources of add-ons, and what was compiled for other platforms. Licenses stay. For the image, whose size this halves.
import { readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

const [folder = ""] = process.argv.slice(2);
if (folder === "") throw new Error("which folder is to be trimmed?");
const platform = `linux-${process.arch}`;

/** By path from FOLDER. */
const unread = [
  /\.(ts|mts|cts|map|md|markdown|c|cc|cpp|h|hpp|o|a|gyp|gypi|mk|bare)$/,
  /(^|\/)(\.github|\.bin|obj\.target|\.deps)(\/|$)/,
  /^(koffi\/(vendor|lib\/native|doc)|zstd-napi\/deps|node-addon-api)(\/|$)/,
  // musl is not the C library of the image.
  /^@koromix\/.*\/musl_/,
];

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = relative(folder, join(entry.parentPath, entry.name));
  const foreign = /(^|\/)prebuilds\/([^/]+)$/.exec(path)?.[2];
  const isForeign = foreign !== undefined && foreign !== platform;
  if (isForeign || unread.some((pattern) => pattern.test(path)))
    rmSync(join(folder, path), { recursive: true, force: true });
}
