// `stowage agent doctor`: runs all checks once and prints what they found. Wiring only.

import { defaultVeleroNamespace } from "../../src/api/names.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { explainError } from "../../src/platform/coded-error.ts";
import { SecretValues } from "../../src/platform/redaction.ts";
import { listenForShutdown } from "../../src/platform/shutdown.ts";
import { allChecks } from "./checks.ts";
import { createPatient } from "./create-patient.ts";
import { type DoctorConfig, doctorUsage, readDoctorConfig } from "./doctor-config.ts";
import { isFine, jsonReport, textReport } from "./report.ts";
import { runChecks } from "./run-checks.ts";

/**
 * @param argv what follows "agent doctor".
 * @returns the exit status: 0 when no check failed, 1 otherwise.
 */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const shutdown = listenForShutdown();
  try {
    const config = readDoctorConfig(argv, env);
    if (config === undefined) {
      process.stdout.write(doctorUsage);
      return 0;
    }
    for (const warning of config.warnings) process.stderr.write(`${warning}\n`);
    return await examine(config, shutdown.signal);
  } catch (error) {
    process.stderr.write(`${explainError(error)}\n`);
    return 1;
  } finally {
    shutdown.dispose();
  }
}

async function examine(config: DoctorConfig, signal: AbortSignal): Promise<number> {
  const connection = connectToCluster(config.kubeconfig, config.context);
  const namespace = config.namespace ?? connection.namespace ?? defaultVeleroNamespace;
  const secrets = new SecretValues();
  const patient = createPatient({
    ...{ ...config, namespace, clock: systemClock },
    client: new TypedClient({ connection }),
    onSecret: (value) => secrets.add(value),
  });
  try {
    const results = await runChecks(allChecks, patient, signal);
    const { place, nodeName, json } = config;
    const report = json ? jsonReport(results, { place, namespace, nodeName }) : textReport(results);
    process.stdout.write(secrets.redact(report));
    return isFine(results) ? 0 : 1;
  } finally {
    await patient.access.close();
  }
}
