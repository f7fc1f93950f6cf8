// How the restore-wait container is made up: Velero's ConfigMap for it, over our defaults (velero-contract §5).
import { messageOf } from "../../../platform/coded-error.ts";
import { parseQuantity } from "../../../platform/quantity.ts";
import { parseYaml } from "../../../platform/yaml.ts";

export interface RestoreWaitSettings {
  readonly image: string;
  readonly command: readonly string[];
  readonly resources: ResourceRequirements;
  /** Undefined: that of the pod's first container, else a strict one. */
  readonly securityContext: Readonly<Record<string, unknown>> | undefined;
}

export interface ResourceRequirements {
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

type ConfigData = Readonly<Record<string, string>>;

export interface RestoreWaitConfig {
  readonly settings: RestoreWaitSettings;
  /** What stands in the ConfigMap and cannot be used, as sentences. */
  readonly warnings: readonly string[];
}

/** By this label Velero finds the ConfigMap; its name does not matter. */
export const restoreWaitPlugin = "velero.io/pod-volume-restore";
/** In Velero's images and in ours. */
const defaultCommand = "/velero-restore-helper";
const defaultCpu = "100m";
const defaultMemory = "128Mi";

/** What cannot be used is replaced by the default, as Velero does, and named. */
export function restoreWaitSettings(data: ConfigData, defaultImage: string): RestoreWaitConfig {
  const warnings: string[] = [];
  const attempt = <T>(read: () => T, fallback: T): T => {
    try {
      return read();
    } catch (error) {
      warnings.push(`settings of restore-wait: ${messageOf(error)}; the default is used`);
      return fallback;
    }
  };
  const settings: RestoreWaitSettings = {
    image: attempt(() => imageOf(data, defaultImage), defaultImage),
    command: [nonEmpty(data.command) ?? defaultCommand],
    resources: attempt(() => resourcesOf(data), resourcesOf({})),
    securityContext: attempt(() => securityContextOf(data), undefined),
  };
  return { settings, warnings };
}

function imageOf(data: ConfigData, defaultImage: string): string {
  const image = nonEmpty(data.image);
  if (image === undefined) return defaultImage;
  const last = image.split("/").at(-1) ?? "";
  if (last === image) throw new Error(`image ${JSON.stringify(image)} names no registry or repository folder`);
  return last.includes(":") ? image : `${image}:${tagOf(defaultImage)}`;
}

function tagOf(image: string): string {
  const last = image.split("@")[0]?.split("/").at(-1) ?? "";
  return last.includes(":") ? last.slice(last.indexOf(":") + 1) : "latest";
}

/** "0" is no bound. */
function resourcesOf(data: ConfigData): ResourceRequirements {
  const cpu = boundsOf("cpu", nonEmpty(data.cpuRequest) ?? defaultCpu, nonEmpty(data.cpuLimit) ?? defaultCpu);
  const memory = boundsOf(
    "memory",
    nonEmpty(data.memRequest) ?? defaultMemory,
    nonEmpty(data.memLimit) ?? defaultMemory,
  );
  return { requests: { ...cpu.request, ...memory.request }, limits: { ...cpu.limit, ...memory.limit } };
}

function boundsOf(name: string, request: string, limit: string): Record<"request" | "limit", Record<string, string>> {
  const [requested, limited] = [request, limit].map(parseQuantity);
  if (requested === undefined || requested < 0) throw new Error(`${JSON.stringify(request)} is no amount of ${name}`);
  if (limited === undefined || limited < 0) throw new Error(`${JSON.stringify(limit)} is no amount of ${name}`);
  if (limited !== 0 && requested > limited)
    throw new Error(`${name}: the request ${request} is above the limit ${limit}`);
  return {
    request: requested === 0 ? {} : { [name]: request },
    limit: limited === 0 ? {} : { [name]: limit },
  };
}

type FieldType = "boolean" | "integer" | "string" | "object";

/** core/v1 SecurityContext. */
const securityContextFields: Readonly<Record<string, FieldType>> = {
  allowPrivilegeEscalation: "boolean",
  appArmorProfile: "object",
  capabilities: "object",
  privileged: "boolean",
  procMount: "string",
  readOnlyRootFilesystem: "boolean",
  runAsGroup: "integer",
  runAsNonRoot: "boolean",
  runAsUser: "integer",
  seLinuxOptions: "object",
  seccompProfile: "object",
  windowsOptions: "object",
};

/** The single settings first, the whole one over them. */
function securityContextOf(data: ConfigData): Readonly<Record<string, unknown>> | undefined {
  const single = {
    ...singleSetting(data, "secCtxRunAsUser", "runAsUser"),
    ...singleSetting(data, "secCtxRunAsGroup", "runAsGroup"),
    ...singleSetting(data, "secCtxAllowPrivilegeEscalation", "allowPrivilegeEscalation"),
  };
  const whole = nonEmpty(data.secCtx) === undefined ? {} : wholeSecurityContext(data.secCtx ?? "");
  const context = { ...single, ...whole };
  return Object.keys(context).length === 0 ? undefined : context;
}

function singleSetting(data: ConfigData, key: string, field: string): Record<string, unknown> {
  const text = nonEmpty(data[key]);
  if (text === undefined) return {};
  const value = securityContextFields[field] === "integer" ? integerOf(text) : booleanOf(text);
  if (value === undefined) throw new Error(`${key} cannot be ${JSON.stringify(text)}`);
  return { [field]: value };
}

function integerOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** As Go reads it. */
function booleanOf(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  return ["0", "f", "F", "false", "FALSE", "False"].includes(text) ? false : undefined;
}

function wholeSecurityContext(text: string): Readonly<Record<string, unknown>> {
  const value = parseYaml(text);
  if (!isObject(value)) throw new Error("secCtx is no YAML object");
  for (const [field, content] of Object.entries(value)) {
    const type = Object.hasOwn(securityContextFields, field) ? securityContextFields[field] : undefined;
    if (type === undefined) throw new Error(`secCtx has an unknown field ${JSON.stringify(field)}`);
    if (!isOfType(content, type)) throw new Error(`secCtx.${field} must be of type ${type}`);
  }
  return value;
}

function isOfType(value: unknown, type: FieldType): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  return type === "object" ? isObject(value) : typeof value === type;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
