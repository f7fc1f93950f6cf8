// Makes the data that benchmarks run on, from a seed: the same bytes on every machine. Either they cannot be compressed, or
// they are text of a vocabulary of 5,000 words.
import { createCipheriv } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const mebibyte: number = 1024 * 1024;
const blockBytes: number = 4 * mebibyte;
const vocabularyWords = 5_000;

/** xorshift128+, 32 bits at a time: fast, and the same everywhere. */
export class SeededNumbers {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9;
    this.#c = 0x243f6a88;
    this.#d = 0xb7e15162;
    for (let round = 0; round < 16; round++) this.next();
  }

  /** 0 to 2^32 − 1. */
  next(): number {
    const t = this.#b << 9;
    let rotated = Math.imul(this.#a, 5);
    rotated = Math.imul((rotated << 7) | (rotated >>> 25), 9);
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return rotated >>> 0;
  }

  /** 0 to 1, without 1. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** Of a normal distribution, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.fraction()));
    return radius * Math.cos(2 * Math.PI * this.fraction());
  }
}

/** Fills buffers with bytes of one kind, on and on. */
export interface ByteSource {
  readonly isText: boolean;
  fill(target: Buffer): void;
}

/** Bytes that do not compress: the key stream of AES-CTR. */
export function randomSource(seed: number): ByteSource {
  const key = Buffer.alloc(32, `corpus ${seed}`);
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(mebibyte);
  return {
    isText: false,
    fill(target) {
      for (let at = 0; at < target.length; at += zeros.length) {
        cipher.update(zeros.subarray(0, Math.min(zeros.length, target.length - at))).copy(target, at);
      }
    },
  };
}

/** Words drawn evenly from a vocabulary, with a space behind each. */
export function textSource(seed: number): ByteSource {
  const numbers = new SeededNumbers(seed);
  const words = vocabulary();
  return {
    isText: true,
    fill(target) {
      let at = 0;
      while (at < target.length) {
        const word = words[numbers.next() % vocabularyWords] as Buffer;
        for (let index = 0; index < word.length && at < target.length; index++) target[at++] = word[index] as number;
      }
    },
  };
}

function vocabulary(): Buffer[] {
  const numbers = new SeededNumbers(1);
  return Array.from({ length: vocabularyWords }, () => {
    const length = 3 + (numbers.next() % 8);
    const letters = Array.from({ length }, () => String.fromCharCode(97 + (numbers.next() % 26)));
    return Buffer.from(`${letters.join("")} `);
  });
}

/** What a tree holds; a tree's directories without its root. */
export interface Contents {
  readonly files: number;
  readonly directories: number;
  readonly bytes: number;
  /** Those of them that compress. */
  readonly textBytes: number;
}

/** Writes files and directories below a root and counts them. */
class TreeWriter {
  readonly #root: string;
  readonly contents: { -readonly [Count in keyof Contents]: Contents[Count] } = {
    files: 0,
    directories: 0,
    bytes: 0,
    textBytes: 0,
  };

  constructor(root: string) {
    this.#root = root;
  }

  /** Its parent exists. */
  directory(path: string): void {
    mkdirSync(join(this.#root, path));
    this.contents.directories++;
  }

  /** The sources take turns, `turnBytes` each. */
  file(path: string, bytes: number, sources: readonly ByteSource[], turnBytes: number = blockBytes): void {
    const fd = openSync(join(this.#root, path), "w");
    const block = Buffer.alloc(Math.min(bytes, blockBytes, turnBytes));
    for (let at = 0; at < bytes; at += block.length) {
      const source = sources[Math.floor(at / turnBytes) % sources.length] as ByteSource;
      const part = block.subarray(0, Math.min(block.length, bytes - at));
      source.fill(part);
      writeSync(fd, part);
      if (source.isText) this.contents.textBytes += part.length;
    }
    closeSync(fd);
    this.contents.files++;
    this.contents.bytes += bytes;
  }
}

/** Four files of equal size, random and text in turn. */
export function writeLargeFiles(directory: string, totalBytes: number): Contents {
  const writer = new TreeWriter(directory);
  for (let index = 0; index < 4; index++) {
    const source = index % 2 === 0 ? randomSource(index) : textSource(index);
    writer.file(`${source.isText ? "text" : "random"}-${index}`, Math.round(totalBytes / 4), [source]);
  }
  return writer.contents;
}

/** Many small files, sizes lognormal with a mean of about 9.5 kB, 100 to a directory, random and text in turn. */
export function writeSmallFiles(directory: string, files: number): Contents {
  const numbers = new SeededNumbers(7);
  const sources = [randomSource(100), textSource(101)] as const;
  const writer = new TreeWriter(directory);
  for (let index = 0; index < files; index++) {
    const [outer, inner] = [`d${Math.floor(index / 1000)}`, `e${Math.floor(index / 100) % 10}`];
    if (index % 1000 === 0) writer.directory(outer);
    if (index % 100 === 0) writer.directory(`${outer}/${inner}`);
    writer.file(`${outer}/${inner}/file-${index}`, lognormalBytes(numbers, 8), [sources[index % 2] as ByteSource]);
  }
  return writer.contents;
}

/** Files of 1 MB, random and text in turn, 100 to a directory. */
export function writeMediumFiles(directory: string, files: number): Contents {
  const sources = [randomSource(200), textSource(201)] as const;
  const writer = new TreeWriter(directory);
  for (let index = 0; index < files; index++) {
    const folder = `d${Math.floor(index / 100)}`;
    if (index % 100 === 0) writer.directory(folder);
    writer.file(`${folder}/file-${index}`, 1_000_000, [sources[index % 2] as ByteSource]);
  }
  return writer.contents;
}

export interface WideTree {
  readonly directories: number;
  readonly files: number;
  readonly bytesPerFile: number;
}

/** Eight directories in each directory, level by level, and the files spread evenly over all of them. */
export function writeWideTree(root: string, { directories, files, bytesPerFile }: WideTree): Contents {
  const source = randomSource(300);
  const writer = new TreeWriter(root);
  const paths: string[] = [];
  for (let index = 0; index < directories; index++) {
    const parent = index < 8 ? "" : `${paths[Math.floor(index / 8) - 1]}/`;
    paths.push(`${parent}d${index % 8}`);
    writer.directory(paths[index] as string);
  }
  for (let index = 0; index < files; index++) {
    writer.file(`${paths[index % directories]}/file-${index}`, bytesPerFile, [source]);
  }
  return writer.contents;
}

/** One file, 16 MiB random and 16 MiB text in turn. */
export function writeHugeFile(directory: string, bytes: number): Contents {
  const writer = new TreeWriter(directory);
  writer.file("huge", bytes, [randomSource(400), textSource(401)], 16 * mebibyte);
  return writer.contents;
}

/** Directories v0, v1 … of so many bytes each, in ten files; random and text in turn. */
export function writeVolumes(directory: string, volumes: number, bytesPerVolume: number): Contents {
  const sources = [randomSource(800), textSource(801)] as const;
  const writer = new TreeWriter(directory);
  for (let index = 0; index < volumes * 10; index++) {
    const folder = `v${Math.floor(index / 10)}`;
    if (index % 10 === 0) writer.directory(folder);
    writer.file(`${folder}/file-${index % 10}`, Math.round(bytesPerVolume / 10), [sources[index % 2] as ByteSource]);
  }
  return writer.contents;
}

/** A tree like sources: text only, 25 files to a directory. `changeEvolvingTree` makes its next versions. */
export function writeEvolvingTree(directory: string, files: number): Contents {
  const numbers = new SeededNumbers(500);
  const source = textSource(501);
  const writer = new TreeWriter(directory);
  for (let index = 0; index < files; index++) {
    if (index % 25 === 0) writer.directory(`d${Math.floor(index / 25)}`);
    writer.file(evolvingPath(index), lognormalBytes(numbers, 8), [source]);
  }
  return writer.contents;
}

/**
 * Changes a fraction of the files that `writeEvolvingTree` has made: most get a few words in their middle, one in five is
 * written anew, one in ten goes and a new file comes in its place.
 */
export function changeEvolvingTree(directory: string, files: number, fraction: number): void {
  const numbers = new SeededNumbers(Math.round(fraction * 1000));
  const source = textSource(600 + Math.round(fraction * 100));
  for (let index = 0; index < files; index++) {
    if (numbers.fraction() >= fraction) continue;
    const path = join(directory, evolvingPath(index));
    const kind = numbers.fraction();
    const words = Buffer.alloc(kind < 0.7 ? 60 : lognormalBytes(numbers, 8));
    source.fill(words);
    if (kind < 0.7) {
      const old = readFileIfThere(path);
      const middle = Math.floor(old.length / 2);
      writeFileSync(path, Buffer.concat([old.subarray(0, middle), words, old.subarray(middle)]));
    } else if (kind < 0.9) writeFileSync(path, words);
    else {
      rmSync(path, { force: true });
      writeFileSync(`${path}-since-${fraction}`, words);
    }
  }
}

function evolvingPath(index: number): string {
  return `d${Math.floor(index / 25)}/file-${index}`;
}

function readFileIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    // An earlier version has lost it.
    return Buffer.alloc(0);
  }
}

function lognormalBytes(numbers: SeededNumbers, mu: number): number {
  return Math.min(4 * mebibyte, Math.round(Math.exp(mu + 1.5 * numbers.normal())));
}
