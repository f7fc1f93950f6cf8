// The text of a volume policy → a VolumePolicy. Strict: what is not known is refused by name and place, because a
// condition that is not understood would silently match the wrong volumes.
import { messageOf } from "../../../platform/coded-error.ts";
import { parseQuantity } from "../../../platform/quantity.ts";
import { parseYaml } from "../../../platform/yaml.ts";
import type { PolicyAction, PolicyConditions, PolicyEntry, VolumePolicy } from "./volume-policy.ts";

export interface ParsedPolicy {
  /** Absent when there are problems. */
  readonly policy?: VolumePolicy;
  readonly problems: readonly string[];
}

const actions: readonly PolicyAction[] = ["skip", "fs-backup", "snapshot", "custom"];

/** Sources of volumes as Velero names them. */
const volumeTypes = new Set([
  ...["awsAzureDisk", "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi"],
  ...["downwardAPI", "emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo"],
  ...["glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume", "projected"],
  ...["quobyte", "rbd", "scaleIO", "secret", "storageOS", "vsphereVolume"],
]);

const claimPhases = new Set(["Pending", "Bound", "Lost"]);

/** Parses YAML or JSON. */
export function parseVolumePolicy(text: string): ParsedPolicy {
  const reader = new PolicyReader();
  const policy = reader.read(text);
  return reader.problems.length > 0 || policy === undefined ? { problems: reader.problems } : { policy, problems: [] };
}

type Fields = Readonly<Record<string, unknown>>;

class PolicyReader {
  readonly problems: string[] = [];

  read(text: string): VolumePolicy | undefined {
    const parsed = this.#parse(text);
    if (this.problems.length > 0) return undefined;
    const root = this.#fields(parsed, "the policy", ["version", "volumePolicies", "includeExcludePolicy"]);
    if (root === undefined) return undefined;
    if (root.version !== "v1") this.#refuse("version", `is ${JSON.stringify(root.version)}; only v1 is known`);
    if (root.includeExcludePolicy !== undefined && root.includeExcludePolicy !== null)
      this.#refuse("includeExcludePolicy", "is not supported by this server; use the Backup's own filters");
    const entries = this.#list(root.volumePolicies ?? [], "volumePolicies");
    return { entries: entries.map((entry, index) => this.#entry(entry, `volumePolicies[${index}]`)) };
  }

  #parse(text: string): unknown {
    try {
      return parseYaml(text);
    } catch (error) {
      this.problems.push(`it is not YAML: ${messageOf(error)}`);
      return undefined;
    }
  }

  #entry(value: unknown, place: string): PolicyEntry {
    const fields = this.#fields(value, place, ["conditions", "action"]);
    const action = this.#fields(fields?.action, `${place}.action`, ["type", "parameters"]);
    const type = action?.type as PolicyAction;
    if (action !== undefined && !actions.includes(type))
      this.#refuse(`${place}.action.type`, `is ${JSON.stringify(type)}; known are ${actions.join(", ")}`);
    return { action: type, conditions: this.#conditions(fields?.conditions ?? {}, `${place}.conditions`) };
  }

  #conditions(value: unknown, place: string): PolicyConditions {
    const known = ["capacity", "storageClass", "nfs", "csi", "volumeTypes", "pvcLabels", "pvcPhase"];
    const fields = this.#fields(value, place, known) ?? {};
    const read = {
      capacity: this.#optional(fields.capacity, (given) => this.#capacity(given, `${place}.capacity`)),
      storageClass: this.#words(fields.storageClass, `${place}.storageClass`),
      nfs: this.#optional(fields.nfs, (given) => this.#texts(given, `${place}.nfs`, ["server", "path"])),
      csi: this.#optional(fields.csi, (given) => this.#csi(given, `${place}.csi`)),
      volumeTypes: this.#words(fields.volumeTypes, `${place}.volumeTypes`, volumeTypes),
      pvcLabels: this.#optional(fields.pvcLabels, (given) => this.#texts(given, `${place}.pvcLabels`)),
      pvcPhase: this.#words(fields.pvcPhase, `${place}.pvcPhase`, claimPhases),
    };
    return Object.fromEntries(Object.entries(read).filter(([, condition]) => condition !== undefined));
  }

  /** "lowest,highest"; an end that is empty, or 0, is open. */
  #capacity(value: unknown, place: string): PolicyConditions["capacity"] {
    if (value === "") return undefined;
    const ends = typeof value === "string" ? value.split(",").map((end) => end.trim()) : [];
    const [lowest, highest] = ends.map((end) => (end === "" ? 0 : (parseQuantity(end) ?? Number.NaN)));
    if (ends.length !== 2 || !(lowest !== undefined && lowest >= 0) || !(highest !== undefined && highest >= 0)) {
      this.#refuse(place, `is ${JSON.stringify(value)}; it must be two quantities such as "10Gi,100Gi"`);
      return undefined;
    }
    if (highest !== 0 && lowest > highest) this.#refuse(place, `begins above its end: ${JSON.stringify(value)}`);
    return { ...(lowest === 0 ? {} : { lowest }), ...(highest === 0 ? {} : { highest }) };
  }

  #csi(value: unknown, place: string): PolicyConditions["csi"] {
    const fields = this.#fields(value, place, ["driver", "volumeAttributes"]) ?? {};
    const { driver } = this.#texts({ driver: fields.driver ?? "" }, place);
    const volumeAttributes = this.#optional(fields.volumeAttributes, (given) =>
      this.#texts(given, `${place}.volumeAttributes`),
    );
    if (volumeAttributes !== undefined && !driver)
      this.#refuse(`${place}.driver`, "must be given with volumeAttributes");
    return { ...(driver ? { driver } : {}), ...(volumeAttributes === undefined ? {} : { volumeAttributes }) };
  }

  #optional<T>(value: unknown, read: (given: unknown) => T): T | undefined {
    return value === undefined || value === null ? undefined : read(value);
  }

  /** Undefined for an absent or empty list: both ask for nothing. */
  #words(value: unknown, place: string, known?: ReadonlySet<string>): readonly string[] | undefined {
    const words = this.#list(value ?? [], place).map((word, index) => this.#text(word, `${place}[${index}]`));
    for (const [index, word] of words.entries()) {
      if (known !== undefined && !known.has(word))
        this.#refuse(`${place}[${index}]`, `is ${JSON.stringify(word)}; known are ${[...known].join(", ")}`);
    }
    return words.length === 0 ? undefined : words;
  }

  /** A map of texts; with `known`, of these keys only. */
  #texts(value: unknown, place: string, known?: readonly string[]): Readonly<Record<string, string>> {
    const fields = Object.entries(this.#fields(value, place, known) ?? {});
    return Object.fromEntries(fields.map(([key, text]) => [key, this.#text(text, `${place}.${key}`)]));
  }

  /** Numbers and truth values are taken for the text that they were written as. */
  #text(value: unknown, place: string): string {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    this.#refuse(place, `is ${JSON.stringify(value)}, not a text`);
    return "";
  }

  #list(value: unknown, place: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.#refuse(place, "must be a list");
    return [];
  }

  #fields(value: unknown, place: string, known?: readonly string[]): Fields | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#refuse(place, "must be a map");
      return undefined;
    }
    for (const key of Object.keys(value)) {
      if (known !== undefined && !known.includes(key))
        this.#refuse(place, `has the unknown key ${JSON.stringify(key)}; known are ${known.join(", ")}`);
    }
    return value as Fields;
  }

  #refuse(place: string, problem: string): void {
    this.problems.push(`${place} ${problem}`);
  }
}
