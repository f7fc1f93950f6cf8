import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { restores } from "../../../../../src/api/resources.ts";
import type { Restore } from "../../../../../src/api/restore.ts";
import { silentLogger } from "../../../../../src/platform/logger.ts";
import { ProgressReporter } from "../../../../../src/server/restore/progress-reporter.ts";
import type { RestoreContext } from "../../../../../src/server/restore/restore-context.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const address = { namespace: "velero", name: "r" };
let table: ObjectTable;
let clock: FakeClock;
let reporter: ProgressReporter;

beforeEach(() => {
  table = new ObjectTable();
  clock = new FakeClock();
  const restore: Restore = { metadata: { ...address, uid: "u" }, spec: {} };
  table.put(restores, restore);
  const context = { client: table.client, clock, namespace: "velero", log: silentLogger } as unknown as RestoreContext;
  reporter = new ProgressReporter(restore, context);
});

describe("ProgressReporter", () => {
  it("writes once a second at most, whatever it is told", async () => {
    for (let done = 0; done < 30; done++) {
      reporter.report({ totalItems: 30, itemsRestored: done });
      await clock.advance(100);
    }
    await reporter.finish();
    assert.equal(table.writes.length, 2);
    const { status } = table.must<Restore>(restores, address);
    assert.deepEqual(status?.progress, { totalItems: 30, itemsRestored: 20 });
  });

  it("does not mind when it cannot write", async () => {
    table.beforeWrite = () => {
      throw new Error("no answer");
    };
    await clock.advance(1000);
    reporter.report({ totalItems: 1, itemsRestored: 1 });
    await reporter.finish();
    assert.deepEqual(table.writes, []);
  });
});
