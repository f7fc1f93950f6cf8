// Is the password of the repositories there?

import { repositoryPasswordSecret } from "../../src/api/names.ts";
import { asCodedError, messageOf } from "../../src/platform/coded-error.ts";
import { repositoryPassword } from "../../src/repository-access/location-settings.ts";
import { type Check, type Finding, ok, type Patient, stopsWork } from "./finding.ts";

export const repositorySecret: Check = { name: "repository-secret", from: "everywhere", run: readPassword };

const { name, key } = repositoryPasswordSecret;

async function readPassword({ client, namespace, onSecret }: Patient, signal: AbortSignal): Promise<Finding> {
  try {
    await repositoryPassword({ client, namespace, onSecret }, signal);
    return ok(`the Secret ${namespace}/${name} has the key ${key}`);
  } catch (error) {
    if (asCodedError(error)?.code !== "secret-unusable") throw error;
    const remedy = `the server makes it when it starts; where repositories exist, put their password back under the key ${key}`;
    return stopsWork(messageOf(error), remedy);
  }
}
