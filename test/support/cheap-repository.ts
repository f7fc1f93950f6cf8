// A repository that costs next to nothing to open: a key derivation of a millisecond, not half a second.
import { initRepository, openStorage, type StorageOptions } from "../../repo-format/index.ts";

const cheapKdf = { N: 1024, r: 1, p: 1 };

/** Makes an empty one with the password "password"; restic opens it, too. */
export async function makeCheapRepository(
  location: string,
  version: 1 | 2 = 2,
  options: StorageOptions = {},
): Promise<void> {
  const storage = await openStorage(location, { ...options, create: true });
  const identity = { hostname: "maker", username: "tester", pid: 1, uid: 0, gid: 0 };
  await initRepository({ storage, password: "password", identity, kdf: cheapKdf, version });
  await storage.close();
}
