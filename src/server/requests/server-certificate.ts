// The certificate of the server of downloads: one that its operator gives, or one of its own, made at its start.
import { readFile } from "node:fs/promises";
import { messageOf } from "../../platform/coded-error.ts";
import { ConfigError } from "../../platform/config-error.ts";
import { makeCertificate } from "../../platform/x509.ts";

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Servers are started anew much more often. */
const validForMs = 5 * 365 * 24 * 3_600_000;
/** Clocks that are behind ours. */
const toleranceMs = 24 * 3_600_000;

/** @param hosts under which it is reached. */
export function ownCertificate(hosts: readonly string[], nowMs: number): ServerCertificate {
  const { certificatePem, privateKey } = makeCertificate({
    commonName: "stowage downloads",
    hosts,
    validFromMs: nowMs - toleranceMs,
    validToMs: nowMs + validForMs,
  });
  return { certificatePem, privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

/** @throws ConfigError "flag-invalid" */
export async function givenCertificate(certificateFile: string, keyFile: string): Promise<ServerCertificate> {
  const read = async (flag: string, path: string): Promise<string> => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw new ConfigError("flag-invalid", `--${flag}: ${messageOf(error)}`, { flag, path });
    }
  };
  const [certificatePem, privateKeyPem] = await Promise.all([
    read("download-certificate", certificateFile),
    read("download-key", keyFile),
  ]);
  return { certificatePem, privateKeyPem };
}
