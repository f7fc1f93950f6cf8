// What each kernel of a backup and of a restore costs by itself on one core: `node bench/micro/kernels.ts`. Their sum,
// divided by the cores, is the limit that a whole backup cannot pass (bench/against-peers/limit.ts).
import { createHash, randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "tinybench";
import { createFastCdcChunker } from "../../repo-format/chunker/fastcdc-chunker.ts";
import { createCompressor, decompress } from "../../repo-format/compression/zstd.ts";
import { Sealer } from "../../repo-format/crypto/seal.ts";
import { sha256Into } from "../../repo-format/crypto/sha256.ts";
import { idBytes } from "../../repo-format/format/id.ts";
import { randomSource, textSource } from "../corpus.ts";

const mebibyte: number = 1024 * 1024;
const small = 1024;
/** Of the file that is read and written: small enough to stay in the page cache. */
const fileBytes: number = 64 * mebibyte;

export const kernelNames = [
  "read 1 MiB from the page cache",
  "write 1 MiB to a new file",
  "cut 8 MiB (FastCDC)",
  "SHA-256 of 1 MiB",
  "SHA-256 of a pack, 1 MiB at a time",
  "zstd of 1 MiB of text",
  "zstd of 1 MiB that does not compress",
  "unzstd to 1 MiB of text",
  "seal 1 MiB (AES-256-CTR, Poly1305)",
  "open 1 MiB",
  "seal 1 KiB",
  "open 1 KiB",
  "SHA-256 of 1 KiB",
  "zstd of 1 KiB of text",
] as const;
export type KernelName = (typeof kernelNames)[number];

/** Bytes a second, by the median call. */
export type KernelRates = Readonly<Record<KernelName, number>>;

/** Bytes that one call works on, and the call. */
type Kernel = readonly [bytes: number, call: () => unknown];

/** @param timeMs for each kernel; the default is for figures, less for a trial. */
export async function measureKernels(timeMs: number = 300): Promise<KernelRates> {
  const folder = mkdtempSync(join(tmpdir(), "stowage-kernels-"));
  try {
    const kernels: Record<KernelName, Kernel> = { ...fileKernels(folder), ...memoryKernels() };
    const bench = new Bench({ time: timeMs, warmupTime: timeMs });
    for (const name of kernelNames) bench.add(name, kernels[name][1]);
    await bench.run();
    const rates = bench.tasks.map(({ name, result }) => {
      const seconds = "latency" in result ? result.latency.p50 / 1000 : Number.NaN;
      return [name, kernels[name as KernelName][0] / seconds];
    });
    return Object.fromEntries(rates) as KernelRates;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function fileKernels(folder: string): Record<"read 1 MiB from the page cache" | "write 1 MiB to a new file", Kernel> {
  const piece = Buffer.alloc(mebibyte, 1);
  const readable = openSync(join(folder, "read"), "w+");
  for (let at = 0; at < fileBytes; at += mebibyte) writeSync(readable, piece);
  const written = openSync(join(folder, "written"), "w");
  let [readAt, writtenBytes] = [0, 0];
  process.once("exit", () => {
    closeSync(readable);
    closeSync(written);
  });
  return {
    "read 1 MiB from the page cache": [
      mebibyte,
      () => {
        readAt = (readAt + mebibyte) % fileBytes;
        return readSync(readable, piece, 0, mebibyte, readAt);
      },
    ],
    "write 1 MiB to a new file": [
      mebibyte,
      () => {
        if (writtenBytes >= fileBytes) {
          ftruncateSync(written, 0);
          writtenBytes = 0;
        }
        writtenBytes += writeSync(written, piece, 0, mebibyte, writtenBytes);
      },
    ],
  };
}

function memoryKernels(): Record<Exclude<KernelName, keyof ReturnType<typeof fileKernels>>, Kernel> {
  const sealer = new Sealer({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });
  const chunker = createFastCdcChunker();
  const compressor = createCompressor("auto");
  const random = Buffer.alloc(8 * mebibyte);
  randomSource(1).fill(random);
  const text = Buffer.alloc(mebibyte);
  textSource(1).fill(text);
  const noise = random.subarray(0, mebibyte);
  const frame = compressor.compress(text);
  const id = Buffer.alloc(idBytes);
  const sealed = sealer.seal(noise);
  const [smallText, smallSealed] = [text.subarray(0, small), sealer.seal(text.subarray(0, small))];
  return {
    "cut 8 MiB (FastCDC)": [random.length, () => chunker.cut(random, true)],
    "SHA-256 of 1 MiB": [mebibyte, () => sha256Into(noise, id)],
    "SHA-256 of a pack, 1 MiB at a time": [mebibyte, () => createHash("sha256").update(noise).digest()],
    "zstd of 1 MiB of text": [mebibyte, () => compressor.compress(text)],
    "zstd of 1 MiB that does not compress": [mebibyte, () => compressor.compress(noise)],
    "unzstd to 1 MiB of text": [mebibyte, () => decompress(frame, mebibyte)],
    "seal 1 MiB (AES-256-CTR, Poly1305)": [mebibyte, () => sealer.seal(noise)],
    "open 1 MiB": [mebibyte, () => sealer.open(sealed)],
    "seal 1 KiB": [small, () => sealer.seal(smallText)],
    "open 1 KiB": [small, () => sealer.open(smallSealed)],
    "SHA-256 of 1 KiB": [small, () => sha256Into(smallText, id)],
    "zstd of 1 KiB of text": [small, () => compressor.compress(smallText)],
  };
}

if (import.meta.main) {
  process.stdout.write(`${"kernel".padEnd(40)} ${"MB/s".padStart(10)}\n`);
  for (const [name, rate] of Object.entries(await measureKernels())) {
    process.stdout.write(`${name.padEnd(40)} ${(rate / 1e6).toFixed(0).padStart(10)}\n`);
  }
}
