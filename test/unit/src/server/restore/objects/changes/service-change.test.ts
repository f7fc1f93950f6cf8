import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../../../../../src/api/kube-object.ts";
import { changeService } from "../../../../../../../src/server/restore/objects/changes/service-change.ts";
import { mutableCopy } from "../../../../../../../src/server/restore/objects/json-fields.ts";

interface ServiceWish {
  readonly spec: object;
  readonly applied?: unknown;
  readonly fields?: object;
  readonly preserve?: boolean;
}

function specOf({ spec, applied, fields, preserve = false }: ServiceWish): unknown {
  const name = "kubectl.kubernetes.io/last-applied-configuration";
  const annotations = applied === undefined ? {} : { [name]: JSON.stringify(applied) };
  const managedFields = fields === undefined ? [] : [{ manager: "m", fieldsV1: fields }];
  const service = mutableCopy({ metadata: { name: "web", annotations, managedFields }, spec } as KubeObject);
  changeService(service, { namespaceMapping: {}, preserveNodePorts: preserve, nodeMapping: new Map() });
  return service.spec;
}

const named = { name: "http", port: 80, protocol: "TCP", nodePort: 30080 };
const other = { name: "admin", port: 81, protocol: "TCP", nodePort: 30081 };
const unnamed = { port: 80, protocol: "TCP", nodePort: 30080 };
const without = ({ nodePort: _nodePort, ...port }: typeof unnamed): object => port;

describe("changeService", () => {
  it("frees the addresses, but a service without one stays without", () => {
    const spec = { clusterIP: "10.0.0.7", clusterIPs: ["10.0.0.7"], ipFamilies: ["IPv4"] };
    assert.deepEqual(specOf({ spec }), { ipFamilies: ["IPv4"] });
    const headless = { clusterIP: "None", clusterIPs: ["None"] };
    assert.deepEqual(specOf({ spec: headless }), headless);
  });

  it("frees ports that nobody had asked for", () => {
    assert.deepEqual(specOf({ spec: { ports: [named, unnamed] } }), { ports: [without(named), without(unnamed)] });
  });

  it("keeps all ports where the Restore wants it", () => {
    const spec = { ports: [named], healthCheckNodePort: 31000 };
    assert.deepEqual(specOf({ spec, preserve: true }), spec);
  });

  it("keeps ports that kubectl apply had asked for: named ones by name, others by number", () => {
    const applied = { spec: { ports: [{ name: "http", nodePort: 1 }, { name: "admin" }] } };
    assert.deepEqual(specOf({ spec: { ports: [named, other] }, applied }), { ports: [named, without(other)] });
    const byNumber = { spec: { ports: [{ nodePort: "30080" }] } };
    assert.deepEqual(specOf({ spec: { ports: [unnamed] }, applied: byNumber }), { ports: [unnamed] });
    const anotherNumber = { spec: { ports: [{ nodePort: 30081 }] } };
    assert.deepEqual(specOf({ spec: { ports: [unnamed] }, applied: anotherNumber }), { ports: [without(unnamed)] });
  });

  it("keeps ports that a field manager owns, if nothing was applied with kubectl", () => {
    const fields = { "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { "f:nodePort": {} } } } };
    assert.deepEqual(specOf({ spec: { ports: [named, other] }, fields }), { ports: [named, without(other)] });
    const applied = { spec: { ports: [] } };
    assert.deepEqual(specOf({ spec: { ports: [named] }, fields, applied }), { ports: [without(named)] });
  });

  it("keeps the port of health checks only where somebody had asked for it", () => {
    const spec = { healthCheckNodePort: 31000 };
    assert.deepEqual(specOf({ spec }), {});
    assert.deepEqual(specOf({ spec, applied: { spec } }), spec);
    assert.deepEqual(specOf({ spec, fields: { "f:spec": { "f:healthCheckNodePort": {} } } }), spec);
  });

  it("bears an annotation that is not what kubectl writes", () => {
    for (const applied of ["text", 7, null, []]) {
      assert.deepEqual(specOf({ spec: { ports: [named] }, applied }), { ports: [without(named)] });
    }
  });
});
