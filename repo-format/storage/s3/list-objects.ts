// Listings: page after page in key order. A pack folder that turns out to be huge is read at several places at once,
// since its names are evenly spread and a page costs a round trip for 1,000 names.
import { throwIfCancelled } from "../../errors.ts";
import { isPackPrefix, packFolders } from "../key-layout.ts";
import type { ListOptions, ObjectInfo, RequestOptions } from "../object-storage.ts";
import { compareKeys } from "../object-storage.ts";
import { listPage } from "./list-page.ts";
import type { S3Bucket } from "./s3-bucket.ts";

interface Span {
  readonly prefix: string;
  /** Exclusive. */
  readonly after: string | undefined;
  /** Inclusive; undefined: to the end. */
  readonly upTo: string | undefined;
}

const pagesBeforeEstimate = 4;
const spansOfHugeFolder = 64;

export async function* listObjects(bucket: S3Bucket, prefix: string, options: ListOptions): AsyncIterable<ObjectInfo> {
  let last = options.startAfter;
  let pages = 0;
  for await (const page of listPages(bucket, { prefix, after: last, upTo: undefined }, options)) {
    yield* page;
    throwIfCancelled(options.signal);
    pages += 1;
    last = page.at(-1)?.key ?? last;
    if (pages !== pagesBeforeEstimate || options.startAfter !== undefined || !isPackPrefix(prefix)) continue;
    if (last === undefined || estimatePages(last, pages) < spansOfHugeFolder) continue;
    yield* listSpans(bucket, spansAfter(prefix, last), options);
    return;
  }
}

export async function listFolderNames(bucket: S3Bucket, prefix: string, options: RequestOptions): Promise<string[]> {
  const names: string[] = [];
  let continueAt: string | undefined;
  do {
    const page = await listPage(bucket, { prefix, continueAt, isShallow: true }, options);
    for (const folder of page.folders) {
      const name = bucket.relativeKey(folder).slice(prefix.length).replace(/\/$/, "");
      if (name !== "") names.push(name);
    }
    continueAt = page.next;
  } while (continueAt !== undefined);
  return names;
}

async function* listPages(bucket: S3Bucket, span: Span, options: RequestOptions): AsyncIterable<ObjectInfo[]> {
  const startAfter = span.after === undefined ? undefined : bucket.fullKey(span.after);
  let continueAt: string | undefined;
  do {
    const { objects, next } = await listPage(bucket, { prefix: span.prefix, startAfter, continueAt }, options);
    const page = objects
      .map(({ fullKey, sizeBytes }) => ({ key: bucket.relativeKey(fullKey), sizeBytes }))
      .filter(({ key }) => !key.endsWith("/")); // other programs' marks for empty folders
    const inside = page.filter(({ key }) => span.upTo === undefined || compareKeys(key, span.upTo) <= 0);
    yield inside;
    continueAt = inside.length < page.length ? undefined : next;
  } while (continueAt !== undefined);
}

/** Starts the listing of the next few spans before they are needed, and gives them in order. */
async function* listSpans(bucket: S3Bucket, spans: Span[], options: ListOptions): AsyncIterable<ObjectInfo> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const running: Promise<ObjectInfo[]>[] = [];
  try {
    for (let next = 0; next < spans.length || running.length > 0; ) {
      for (; running.length < bucket.connections && next < spans.length; next += 1) {
        const listing = collect(listPages(bucket, spans[next] as Span, { signal }));
        listing.catch(() => undefined); // it is awaited below, in its turn
        running.push(listing);
      }
      yield* (await running.shift()) ?? [];
    }
  } finally {
    stop.abort();
  }
}

async function collect(pages: AsyncIterable<ObjectInfo[]>): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

/** How many more pages there will be, judged by how far into the alphabet the pages so far have come. */
function estimatePages(lastKey: string, pages: number): number {
  const folder = packFolders.indexOf(lastKey.slice("data/".length, "data/".length + 2));
  return folder < 0 ? 0 : (pages * (packFolders.length - 1 - folder)) / (folder + 1);
}

/** The rest of the pack folder after the key, cut at every fourth folder; together they leave no name out. */
function spansAfter(prefix: string, lastKey: string): Span[] {
  const step = packFolders.length / spansOfHugeFolder;
  const cuts = packFolders
    .map((name) => prefix + name)
    .filter((cut, i) => i % step === 0 && compareKeys(cut, lastKey) > 0);
  const bounds = [lastKey, ...cuts, undefined];
  return bounds.slice(0, -1).map((after, i) => ({ prefix, after, upTo: bounds[i + 1] }));
}
