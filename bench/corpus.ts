// Makes the data that benchmarks run on, from a seed: the same bytes on every machine. Half of it cannot be compressed,
// half is text of a vocabulary of 5,000 words.
import { createCipheriv } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
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
  fill(target: Buffer): void;
}

/** Bytes that do not compress: the key stream of AES-CTR. */
export function randomSource(seed: number): ByteSource {
  const key = Buffer.alloc(32, `corpus ${seed}`);
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(mebibyte);
  return {
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

/** `files` files of equal size, random and text in turn. */
export function writeLargeFiles(directory: string, totalBytes: number, files: number = 4): void {
  mkdirSync(directory, { recursive: true });
  for (let index = 0; index < files; index++) {
    const source = index % 2 === 0 ? randomSource(index) : textSource(index);
    writeFile(join(directory, `${index % 2 === 0 ? "random" : "text"}-${index}`), totalBytes / files, source);
  }
}

/** Many small files, sizes lognormal with a mean of about 9.5 kB, 100 to a directory, random and text in turn. */
export function writeSmallFiles(directory: string, files: number): void {
  const numbers = new SeededNumbers(7);
  const sources = [randomSource(100), textSource(101)] as const;
  for (let index = 0; index < files; index++) {
    const place = join(directory, `d${Math.floor(index / 1000)}`, `e${Math.floor(index / 100) % 10}`);
    if (index % 100 === 0) mkdirSync(place, { recursive: true });
    const bytes = Math.min(4 * mebibyte, Math.round(Math.exp(8 + 1.5 * numbers.normal())));
    writeFile(join(place, `file-${index}`), bytes, sources[index % 2] as ByteSource);
  }
}

function writeFile(path: string, bytes: number, source: ByteSource): void {
  const fd = openSync(path, "w");
  const block = Buffer.alloc(Math.min(bytes, blockBytes));
  for (let at = 0; at < bytes; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, bytes - at));
    source.fill(part);
    writeSync(fd, part);
  }
  closeSync(fd);
}
