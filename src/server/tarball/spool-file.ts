// Pieces of bytes that wait in a file of the scratch folder and are read back in any order. The file has no name: whatever
// becomes of the process, nothing of it stays (Secrets lie in it).
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { scratchUnusable, TarballError } from "./tarball-error.ts";

/** Small pieces go into the file together. */
const writeBytes = 256 * 1024;

export class SpoolFile {
  readonly #file: FileHandle;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Where the next piece will lie. */
  #end = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @throws TarballError "scratch-unusable", here and in the methods */
  static async create(directory: string): Promise<SpoolFile> {
    const path = join(directory, `spool-${randomUUID()}`);
    try {
      const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      await unlink(path);
      return new SpoolFile(file);
    } catch (error) {
      throw scratchUnusable(directory, error);
    }
  }

  get sizeBytes(): number {
    return this.#end;
  }

  /** Pieces may be added from several places at once. @returns where it lies. */
  async append(bytes: Buffer): Promise<number> {
    const offset = this.#end;
    this.#end += bytes.length;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= writeBytes) await this.#flush();
    return offset;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (offset + length > this.#end - this.#waitingBytes) await this.#flush();
    await this.#written;
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0)
        throw new TarballError("scratch-unusable", "the spool file is shorter than what was written");
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#written.catch(() => undefined);
    await this.#file.close();
  }

  #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    const offset = this.#end - bytes.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#written = this.#written.then(() => this.#write(bytes, offset));
    return this.#written;
  }

  async #write(bytes: Buffer, offset: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    } catch (error) {
      throw scratchUnusable("the spool file", error);
    }
  }
}
