// From a password to the key that seals the master key: scrypt (RFC 7914), with parameters that each key file carries.
import { scrypt } from "node:crypto";
import { RepositoryError } from "../errors.ts";
import { problemOfScrypt, type ScryptParameters } from "../format/key-file.ts";
import { keyMaterialBytes, type MasterKey, splitKeyMaterial } from "./master-key.ts";

/** restic aims at half a second and 60 MiB for a new key. */
const targetMs = 500;
const calibratedN = 32_768;
const calibratedR = 8;
const maxCalibratedP = 16;

/**
 * Derives the user key of a key file; takes its time in the thread pool.
 * @throws RepositoryError "key-malformed" for parameters that are impossible or would exhaust the host.
 */
export async function deriveKey(
  password: string,
  parameters: ScryptParameters & { readonly salt: Uint8Array },
): Promise<MasterKey> {
  const { N, r, p, salt } = parameters;
  const problem = problemOfScrypt(parameters);
  if (problem !== undefined) throw new RepositoryError("key-malformed", `the key cannot be derived: ${problem}`);
  // OpenSSL needs 128·r·(N + p) and a little; Node's default limit is below what restic's keys need.
  const maxmem = 256 * N * r + 256 * r * p + 1024 * 1024;
  const material = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, keyMaterialBytes, { N, r, p, maxmem }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
  return splitKeyMaterial(material);
}

/** Parameters for a new key that take about half a second and 32 MiB on this machine. */
export async function calibrateScrypt(): Promise<ScryptParameters> {
  const started = performance.now();
  await deriveKey("calibration", { N: calibratedN / 2, r: calibratedR, p: 1, salt: Buffer.alloc(64) });
  // The time is proportional to N and to p.
  const expectedMs = (performance.now() - started) * 2;
  const p = Math.min(Math.max(Math.floor(targetMs / expectedMs), 1), maxCalibratedP);
  return { N: calibratedN, r: calibratedR, p };
}
