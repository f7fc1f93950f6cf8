// What each kernel of a backup and of a restore costs by itself on one core: `node bench/micro/kernels.ts`. Their sum,
// divided by the cores, is the limit that a whole backup cannot pass.
import { createHash, randomBytes } from "node:crypto";
import { Bench } from "tinybench";
import { createFastCdcChunker } from "../../repo-format/chunker/fastcdc-chunker.ts";
import { createCompressor, decompress } from "../../repo-format/compression/zstd.ts";
import { Sealer } from "../../repo-format/crypto/seal.ts";
import { idOf } from "../../repo-format/format/id.ts";
import { randomSource, textSource } from "../corpus.ts";

const mebibyte: number = 1024 * 1024;
const small = 1024;

const sealer = new Sealer({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });
const chunker = createFastCdcChunker();
const compressor = createCompressor("auto");
const random = Buffer.alloc(8 * mebibyte);
randomSource(1).fill(random);
const text = Buffer.alloc(mebibyte);
textSource(1).fill(text);
const noise = random.subarray(0, mebibyte);
const frame = compressor.compress(text);
const sealed = sealer.seal(noise);
const [smallText, smallSealed] = [text.subarray(0, small), sealer.seal(text.subarray(0, small))];

/** Name → bytes that one call works on, and the call. */
const kernels: Readonly<Record<string, readonly [bytes: number, call: () => unknown]>> = {
  "cut 8 MiB (FastCDC)": [random.length, () => chunker.cut(random, true)],
  "SHA-256 of 1 MiB": [mebibyte, () => idOf(noise)],
  "SHA-256 of a pack, 1 MiB at a time": [mebibyte, () => createHash("sha256").update(noise).digest()],
  "zstd of 1 MiB of text": [mebibyte, () => compressor.compress(text)],
  "zstd of 1 MiB that does not compress": [mebibyte, () => compressor.compress(noise)],
  "unzstd to 1 MiB of text": [mebibyte, () => decompress(frame, mebibyte)],
  "seal 1 MiB (AES-256-CTR, Poly1305)": [mebibyte, () => sealer.seal(noise)],
  "open 1 MiB": [mebibyte, () => sealer.open(sealed)],
  "seal 1 KiB": [small, () => sealer.seal(smallText)],
  "open 1 KiB": [small, () => sealer.open(smallSealed)],
  "SHA-256 of 1 KiB": [small, () => idOf(smallText)],
  "zstd of 1 KiB of text": [small, () => compressor.compress(smallText)],
};

const bench = new Bench({ time: 300 });
for (const [name, [, call]] of Object.entries(kernels)) bench.add(name, call);
await bench.run();
process.stdout.write(`${"kernel".padEnd(40)} ${"µs a call".padStart(12)} ${"MB/s".padStart(10)}\n`);
for (const task of bench.tasks) {
  const seconds = "latency" in task.result ? task.result.latency.p50 / 1000 : Number.NaN;
  const bytes = kernels[task.name]?.[0] ?? 0;
  const columns = [(seconds * 1e6).toFixed(2).padStart(12), (bytes / seconds / 1e6).toFixed(0).padStart(10)];
  process.stdout.write(`${task.name.padEnd(40)} ${columns.join(" ")}\n`);
}
