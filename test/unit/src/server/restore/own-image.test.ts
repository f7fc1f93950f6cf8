import assert from "node:assert/strict";
import { hostname } from "node:os";
import { describe, it } from "node:test";
import { pods } from "../../../../../src/api/resources.ts";
import { ownImage } from "../../../../../src/server/restore/own-image.ts";
import { ObjectTable } from "../../../../support/object-table.ts";

const { signal } = new AbortController();

describe("ownImage()", () => {
  it("is that of the pod with the machine's name", async () => {
    const table = new ObjectTable();
    const spec = { containers: [{ name: "server", image: "registry.example/stowage:1" }] };
    table.put(pods, { metadata: { namespace: "velero", name: hostname() }, spec });
    assert.equal(await ownImage(table.client, "velero", signal), "registry.example/stowage:1");
    assert.equal(await ownImage(table.client, "elsewhere", signal), "stowage:latest");
  });
});
