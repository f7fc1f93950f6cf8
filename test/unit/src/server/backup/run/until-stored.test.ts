import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../../repo-format/errors.ts";
import { BackupError } from "../../../../../../src/server/backup/backup-error.ts";
import { untilStored } from "../../../../../../src/server/backup/run/until-stored.ts";
import { BackupRig } from "../../../../../support/backup-rig.ts";
import { ListRunLog } from "../../../../../support/list-run-log.ts";

const away = new RepositoryError("storage-unavailable", "no answer");

function parts(rig: BackupRig, signal = new AbortController().signal) {
  return { context: rig.context, log: new ListRunLog(), signal };
}

describe("untilStored", () => {
  it("tries again while the store is away", async () => {
    const rig = new BackupRig();
    let tries = 0;
    const stored = untilStored(parts(rig), async () => {
      if (++tries < 4) throw away;
    });
    await rig.clock.advance(60_000);
    await stored;
    assert.equal(tries, 4);
  });

  it("gives up after the time that the server waits for anything, with the reason", async () => {
    const rig = new BackupRig();
    const stored = untilStored(parts(rig), () => Promise.reject(away));
    const rejection = assert.rejects(stored, (error: Error) => {
      assert.ok(BackupError.is(error, "not-stored"));
      assert.match(error.message, /cannot be stored: no answer; check the endpoint/);
      return true;
    });
    await rig.clock.advance(599_000);
    await rig.clock.advance(40_000);
    await rejection;
  });

  it("does not try again what can never succeed, nor once the run is over", async () => {
    const rig = new BackupRig();
    let tries = 0;
    const denied = async () => {
      tries++;
      throw new RepositoryError("storage-denied", "not yours");
    };
    await assert.rejects(untilStored(parts(rig), denied), { code: "not-stored" });
    const ended = AbortSignal.abort(new Error("over"));
    await assert.rejects(untilStored(parts(rig, ended), denied), /over/);
    assert.equal(tries, 2);
  });
});
