// Tarballs of Backups for tests: entries as they are wished, also such as no backup would write.
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGunzip, gzipSync } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";

export interface TarballEntry extends Partial<Header> {
  readonly name: string;
  readonly content?: string | Buffer;
}

/** The gzipped bytes. */
export async function makeTarball(entries: readonly TarballEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = "", ...header } of entries) tar.entry(header, content);
  tar.finalize();
  return gzipSync(await buffer(Readable.from(tar)));
}

export interface ReadEntry {
  readonly header: Header;
  readonly content: string;
}

/** Entries by name, in their order. */
export async function readTarball(bytes: Buffer): Promise<Map<string, ReadEntry>> {
  const entries = new Map<string, ReadEntry>();
  const tar = extract();
  Readable.from([bytes])
    .pipe(createGunzip())
    .pipe(tar as unknown as NodeJS.WritableStream);
  for await (const entry of tar) {
    const content = (await buffer(Readable.from(entry))).toString("utf8");
    entries.set(entry.header.name, { header: entry.header, content });
  }
  return entries;
}
