// Where the thread's code lies: beside this file, as .ts when run from a checkout and as .js when built. It has a file of
// its own because tsc rewrites the paths of imports, but not those inside `new URL`.

const extension: string = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Entry of the blob worker, for `new Worker`. */
export const blobWorkerUrl: URL = new URL(`./blob-worker.${extension}`, import.meta.url);
