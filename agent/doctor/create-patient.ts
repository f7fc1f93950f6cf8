// A Patient out of what the agent, or the command, has at hand.

import { hostname } from "node:os";
import { RepositoryAccess } from "../../src/repository-access/repository-access.ts";
import type { Patient } from "./finding.ts";

/** A store that does not answer is not waited for as long as a backup would. */
const retry = { maxElapsedMs: 4000 };

/** A limit above this is none: cgroups say so with a very large number. */
const noLimitBytes = 2 ** 50;

export function createPatient(known: Omit<Patient, "access" | "procFolder" | "memoryLimitBytes">): Patient {
  const { client, namespace, onSecret, clock } = known;
  const limitBytes = process.constrainedMemory();
  return {
    ...known,
    // Opens stores, never repositories, so that the identity is written nowhere.
    access: new RepositoryAccess({
      client,
      namespace,
      onSecret,
      clock: () => clock.now(),
      requests: { retry },
      identity: { hostname: hostname(), username: "doctor", pid: process.pid, uid: 0, gid: 0 },
    }),
    procFolder: "/proc/self",
    memoryLimitBytes: limitBytes === 0 || limitBytes > noLimitBytes ? undefined : limitBytes,
  };
}
