// A repository read straight from its files with the codecs alone, to look at what another program wrote. Knows nothing of
// indexes, locks or storage: tests of those must not lean on their own subject.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decompress, decompressUnknown } from "../../repo-format/compression/zstd.ts";
import { deriveKey } from "../../repo-format/crypto/password-key.ts";
import { Sealer } from "../../repo-format/crypto/seal.ts";
import type { PackedBlob } from "../../repo-format/format/blob.ts";
import { decodeConfig, type RepositoryConfig } from "../../repo-format/format/config-file.ts";
import { type BlobId, type Id, idOf, isId } from "../../repo-format/format/id.ts";
import { decodeKeyFile, decodeMasterKey } from "../../repo-format/format/key-file.ts";
import { decodePackHeader } from "../../repo-format/format/pack-header.ts";
import { unwrapUnpacked } from "../../repo-format/format/unpacked.ts";

const maxUnpackedBytes: number = 256 * 1024 * 1024;

export type StoredFolder = "keys" | "snapshots" | "index" | "locks" | "data";

export interface StoredBlob extends PackedBlob {
  readonly packId: Id;
  /** Decrypted and decompressed; its hash is not checked. */
  readonly plain: Buffer;
}

export class StoredRepository {
  readonly config: RepositoryConfig;
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #sealer: Sealer;

  private constructor(files: ReadonlyMap<string, Buffer>, sealer: Sealer) {
    this.#files = files;
    this.#sealer = sealer;
    this.config = decodeConfig(sealer.open(files.get("config") as Buffer));
  }

  /** @param files path inside the repository → content, see `readTarGz` and `readFolder`. */
  static async open(files: ReadonlyMap<string, Buffer>, password: string): Promise<StoredRepository> {
    const keyPath = [...files.keys()].find((path) => path.startsWith("keys/"));
    const key = decodeKeyFile(files.get(keyPath as string) as Buffer);
    const master = decodeMasterKey(new Sealer(await deriveKey(password, key)).open(key.data));
    return new StoredRepository(files, new Sealer(master));
  }

  /** Files of a folder whose names are ids, in any order. */
  list(folder: StoredFolder): { readonly id: Id; readonly bytes: Buffer }[] {
    const found: { id: Id; bytes: Buffer }[] = [];
    for (const [path, bytes] of this.#files) {
      const name = basename(path);
      if (path.startsWith(`${folder}/`) && isId(name)) found.push({ id: name, bytes });
    }
    return found;
  }

  /** The JSON of a snapshot, index or lock. */
  openFile(stored: Buffer): Buffer {
    const decompressFile = (frame: Buffer): Buffer => decompressUnknown(frame, maxUnpackedBytes);
    return unwrapUnpacked(this.config.version, this.#sealer.open(stored), decompressFile);
  }

  /**
   * Every blob of every pack whose bytes match its name, in the order of the packs.
   * @throws RepositoryError "authentication-failed" when a pack is not of this repository.
   */
  *blobs(): Generator<StoredBlob, void, undefined> {
    for (const { id: packId, bytes } of this.list("data")) {
      if (idOf(bytes) !== packId) continue;
      const headerBytes = bytes.readUInt32LE(bytes.length - 4);
      const header = this.#sealer.open(bytes.subarray(bytes.length - 4 - headerBytes, bytes.length - 4));
      for (const blob of decodePackHeader(header)) {
        const stored = this.#sealer.open(bytes.subarray(blob.offset, blob.offset + blob.length));
        const plain = blob.uncompressedLength === 0 ? stored : decompress(stored, blob.uncompressedLength);
        yield { ...blob, packId, plain };
      }
    }
  }

  /** Every distinct tree, by its id. */
  trees(): Map<BlobId, Buffer> {
    const trees = new Map<BlobId, Buffer>();
    for (const blob of this.blobs()) if (blob.type === "tree") trees.set(blob.id, blob.plain);
    return trees;
  }
}

/** The files of a folder of the file system, by their relative paths. */
export function readFolder(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const prefix = folder.length + 1;
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(prefix), readFileSync(path)];
    }),
  );
}

/**
 * The regular files of a .tar.gz, by their paths without the first folder.
 * @see POSIX.1-2017, pax, *ustar Interchange Format*
 */
export function readTarGz(path: string): Map<string, Buffer> {
  const tar = gunzipSync(readFileSync(path));
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = textField(tar, at, 100);
    const prefix = textField(tar, at + 345, 155);
    const size = Number.parseInt(textField(tar, at + 124, 12), 8);
    const isFile = tar[at + 156] === 0x30 || tar[at + 156] === 0;
    const fullName = prefix === "" ? name : `${prefix}/${name}`;
    if (isFile) files.set(fullName.slice(fullName.indexOf("/") + 1), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

function textField(tar: Buffer, at: number, length: number): string {
  const field = tar.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString("latin1");
}
