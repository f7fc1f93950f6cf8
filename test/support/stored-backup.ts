// What a Backup has left in a location that is a directory, in Velero's files.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Backup } from "../../src/api/backup.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { VolumeInfo } from "../../src/server/backup/run/volume-info.ts";
import type { ResultList, RunResults } from "../../src/server/run-log/run-log.ts";

export class StoredBackup {
  readonly folder: string;
  readonly name: string;

  /** @param bucket the directory that plays the location's bucket. */
  constructor(bucket: string, name: string) {
    this.folder = join(bucket, "backups", name);
    this.name = name;
  }

  /** Names of the files, sorted; empty when there is nothing. */
  get files(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder).sort() : [];
  }

  get metadata(): Backup {
    return JSON.parse(readFileSync(join(this.folder, "velero-backup.json"), "utf8")) as Backup;
  }

  get log(): string {
    return this.#unpack("-logs.gz");
  }

  get results(): RunResults {
    return this.#json("-results.gz");
  }

  /** All messages of a result, in one text with a line for each. */
  get warnings(): string {
    return linesOf(this.results.warnings);
  }

  get errors(): string {
    return linesOf(this.results.errors);
  }

  get volumeInfo(): VolumeInfo[] {
    return this.#json("-volumeinfo.json.gz");
  }

  get volumeBackups(): PodVolumeBackup[] {
    return this.#json("-podvolumebackups.json.gz");
  }

  get resourceList(): Readonly<Record<string, readonly string[]>> {
    return this.#json("-resource-list.json.gz");
  }

  #unpack(suffix: string): string {
    return gunzipSync(readFileSync(join(this.folder, this.name + suffix))).toString();
  }

  #json<T>(suffix: string): T {
    return JSON.parse(this.#unpack(suffix)) as T;
  }
}

function linesOf({ velero = [], cluster = [], namespaces = {} }: ResultList): string {
  return [...velero, ...cluster, ...Object.values(namespaces).flat()].join("\n");
}
