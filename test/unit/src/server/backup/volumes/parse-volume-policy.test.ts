import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseVolumePolicy } from "../../../../../../src/server/backup/volumes/parse-volume-policy.ts";

/** A policy with one entry that has these conditions, each a line of YAML. */
const withConditions = (...lines: string[]): string =>
  `version: v1\nvolumePolicies:\n- conditions:\n${lines.map((line) => `    ${line}\n`).join("")}  action:\n    type: skip\n`;

const problemsOf = (text: string): string => parseVolumePolicy(text).problems.join("\n");

describe("parseVolumePolicy", () => {
  it("reads every condition and every action", () => {
    const text = `
version: v1
volumePolicies:
- conditions:
    capacity: "10Gi, 1.5Ti"
    storageClass: [gp2, ebs-sc]
    nfs: { server: 192.168.0.1, path: /export }
    csi:
      driver: ebs.csi.aws.com
      volumeAttributes: { protocol: "nfs" }
    volumeTypes: [emptyDir, csi]
    pvcLabels: { environment: production }
    pvcPhase: [Bound, Pending]
  action:
    type: skip
    parameters: { anything: [1, 2] }
- conditions: { nfs: {}, csi: {} }
  action: { type: fs-backup }
- conditions: {}
  action: { type: snapshot }
- conditions:
  action: { type: custom }
`;
    const { policy, problems } = parseVolumePolicy(text);
    assert.deepEqual(problems, []);
    assert.deepEqual(policy, {
      entries: [
        {
          action: "skip",
          conditions: {
            capacity: { lowest: 10 * 2 ** 30, highest: 1.5 * 2 ** 40 },
            storageClass: ["gp2", "ebs-sc"],
            nfs: { server: "192.168.0.1", path: "/export" },
            csi: { driver: "ebs.csi.aws.com", volumeAttributes: { protocol: "nfs" } },
            volumeTypes: ["emptyDir", "csi"],
            pvcLabels: { environment: "production" },
            pvcPhase: ["Bound", "Pending"],
          },
        },
        { action: "fs-backup", conditions: { nfs: {}, csi: {} } },
        { action: "snapshot", conditions: {} },
        { action: "custom", conditions: {} },
      ],
    });
  });

  it("leaves the end of a capacity open that is empty or zero", () => {
    const capacityOf = (value: string): unknown =>
      parseVolumePolicy(withConditions(`capacity: "${value}"`)).policy?.entries[0]?.conditions.capacity;
    assert.deepEqual(capacityOf("1Gi,"), { lowest: 2 ** 30 });
    assert.deepEqual(capacityOf(",1Gi"), { highest: 2 ** 30 });
    assert.deepEqual(capacityOf("0,1Gi"), { highest: 2 ** 30 });
    assert.deepEqual(capacityOf("1Gi,0"), { lowest: 2 ** 30 });
    assert.deepEqual(capacityOf(","), {});
    assert.equal(capacityOf(""), undefined);
    assert.deepEqual(capacityOf("1Gi,1Gi"), { lowest: 2 ** 30, highest: 2 ** 30 });
  });

  it("takes numbers and truth values for texts, as Velero does", () => {
    const { policy } = parseVolumePolicy(withConditions("pvcLabels: {a: 1, b: true, c: yes}", "storageClass: [7]"));
    const { pvcLabels, storageClass } = policy?.entries[0]?.conditions ?? {};
    assert.deepEqual([pvcLabels, storageClass], [{ a: "1", b: "true", c: "yes" }, ["7"]]);
  });

  it("reads a policy without entries, and JSON", () => {
    assert.deepEqual(parseVolumePolicy('{"version":"v1"}').policy, { entries: [] });
    assert.deepEqual(parseVolumePolicy("version: v1\nvolumePolicies: []\n").policy, { entries: [] });
  });

  it("refuses what it does not know, with the place", () => {
    for (const [text, words] of [
      ["version: v2", /^version is "v2"; only v1 is known$/],
      ["volumePolicies: []", /^version is undefined/],
      ["version: v1\nvolumePolicy: []", /^the policy has the unknown key "volumePolicy"; known are version/],
      ["version: v1\nvolumePolicies: {}", /^volumePolicies must be a list$/],
      ["version: v1\nvolumePolicies: [1]", /^volumePolicies\[0\] must be a map/],
      [
        "version: v1\nvolumePolicies:\n- {conditions: {}, action: {type: skip}, when: now}",
        /^volumePolicies\[0\] has the unknown key "when"/,
      ],
      [
        "version: v1\nvolumePolicies:\n- {conditions: {}, action: {type: fsbackup}}",
        /action.type is "fsbackup"; known are skip, fs-backup, snapshot, custom$/,
      ],
      ["version: v1\nvolumePolicies:\n- {conditions: {}}", /^volumePolicies\[0\].action must be a map$/],
      [
        "version: v1\nvolumePolicies:\n- {conditions: {}, action: {type: skip, kind: x}}",
        /action has the unknown key "kind"/,
      ],
      [
        "version: v1\nincludeExcludePolicy: {includedClusterScopedResources: []}",
        /^includeExcludePolicy is not supported/,
      ],
      [withConditions("size: 1Gi,"), /conditions has the unknown key "size"/],
      [withConditions("capacity: 10Gi"), /capacity is "10Gi"; it must be two quantities/],
      [withConditions("capacity: '1Gi,2Gi,3Gi'"), /capacity is "1Gi,2Gi,3Gi"/],
      [withConditions("capacity: '1Gi,lots'"), /capacity is "1Gi,lots"/],
      [withConditions("capacity: '-1Gi,2Gi'"), /capacity is "-1Gi,2Gi"/],
      [withConditions("capacity: 10"), /capacity is 10/],
      [withConditions("capacity: '2Gi,1Gi'"), /capacity begins above its end/],
      [withConditions("storageClass: gp2"), /storageClass must be a list/],
      [withConditions("storageClass: [[1]]"), /storageClass\[0\] is \[1\], not a text/],
      [withConditions("volumeTypes: [emptydir]"), /volumeTypes\[0\] is "emptydir"; known are awsAzureDisk/],
      [withConditions("pvcPhase: [bound]"), /pvcPhase\[0\] is "bound"; known are Pending, Bound, Lost/],
      [withConditions("pvcLabels: [a]"), /pvcLabels must be a map/],
      [withConditions("pvcLabels: {a: {}}"), /pvcLabels.a is {}, not a text/],
      [withConditions("nfs: {host: x}"), /nfs has the unknown key "host"/],
      [withConditions("csi: {driver: [x]}"), /csi.driver is \["x"\]/],
      [withConditions("csi: {volumeAttributes: {a: b}}"), /csi.driver must be given with volumeAttributes/],
    ] as const)
      assert.match(problemsOf(text), words, text);
  });

  it("refuses what is not YAML, a key that is there twice, and aliases that multiply", () => {
    assert.match(problemsOf("version: [v1"), /^it is not YAML: /);
    assert.match(problemsOf("version: v1\nversion: v1"), /^it is not YAML: .*unique/);
    const multiplied = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]\n`);
    assert.match(problemsOf(`a0: &a0 [x]\n${multiplied.join("")}`), /^it is not YAML: .*alias/);
    assert.match(problemsOf(""), /the policy must be a map/);
  });

  it("tells all problems at once, and gives no policy then", () => {
    const { policy, problems } = parseVolumePolicy(`${withConditions("size: 1", "storageClass: x")}other: 1\n`);
    assert.equal(policy, undefined);
    assert.equal(problems.length, 3);
  });
});
