// One page of a listing, by either of the two ways in which stores list: the usual one, and the first version of it for
// stores that never learned the second. Both count as one here, with the second one's words.
import { ListObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { RequestOptions } from "../object-storage.ts";
import type { S3Bucket } from "./s3-bucket.ts";

export interface PageRequest {
  /** Relative to the bucket's prefix. */
  readonly prefix: string;
  /** As the store has it, with the bucket's prefix: the first page begins behind it. */
  readonly startAfter?: string | undefined;
  /** What the page before said. */
  readonly continueAt?: string | undefined;
  /** Only what lies directly below the prefix, and folders. */
  readonly isShallow?: boolean;
}

export interface ListedPage {
  /** Keys as the store has them. */
  readonly objects: readonly { readonly fullKey: string; readonly sizeBytes: number }[];
  readonly folders: readonly string[];
  /** Undefined: this was the last page. */
  readonly next: string | undefined;
}

/** What both commands answer. */
interface Answer {
  readonly Contents?: readonly { readonly Key?: string | undefined; readonly Size?: number | undefined }[] | undefined;
  readonly CommonPrefixes?: readonly { readonly Prefix?: string | undefined }[] | undefined;
  readonly EncodingType?: string | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextMarker?: string | undefined;
  readonly NextContinuationToken?: string | undefined;
}

export async function listPage(bucket: S3Bucket, page: PageRequest, options: RequestOptions): Promise<ListedPage> {
  const purpose = { action: "list", key: page.prefix, signal: options.signal };
  // Names with control characters cannot stand in XML: have them URL-encoded.
  const prefix = bucket.fullKey(page.prefix);
  const input = { Bucket: bucket.name, Prefix: prefix, EncodingType: "url" as const, ...shallow(page) };
  const { startAfter, continueAt } = page;
  const answer = await bucket.send(purpose, (client, handling): Promise<Answer> => {
    if (bucket.listsByVersion1) {
      const marker = continueAt ?? startAfter;
      const begin = marker === undefined ? {} : { Marker: marker };
      return client.send(new ListObjectsCommand({ ...input, ...begin }), handling);
    }
    const begin = continueAt === undefined ? { StartAfter: startAfter } : { ContinuationToken: continueAt };
    return client.send(new ListObjectsV2Command({ ...input, ...begin }), handling);
  });
  const objects = (answer.Contents ?? []).map(({ Key = "", Size = 0 }) => {
    return { fullKey: decoded(Key, answer), sizeBytes: Size };
  });
  const folders = (answer.CommonPrefixes ?? []).map(({ Prefix = "" }) => decoded(Prefix, answer));
  return { objects, folders, next: bucket.listsByVersion1 ? markerOf(answer, { objects, folders }) : tokenOf(answer) };
}

function shallow({ isShallow }: PageRequest): { readonly Delimiter?: string } {
  return isShallow === true ? { Delimiter: "/" } : {};
}

function tokenOf(answer: Answer): string | undefined {
  return answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
}

/** The first version goes on behind the last name; stores say it themselves only when they fold names into folders. */
function markerOf(answer: Answer, { objects, folders }: Omit<ListedPage, "next">): string | undefined {
  if (answer.IsTruncated !== true) return undefined;
  if (answer.NextMarker !== undefined) return decoded(answer.NextMarker, answer);
  return objects.at(-1)?.fullKey ?? folders.at(-1);
}

function decoded(key: string, { EncodingType }: Answer): string {
  return EncodingType === "url" ? decodeURIComponent(key.replaceAll("+", " ")) : key;
}
