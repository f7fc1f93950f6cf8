import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hookProblems } from "../../../../../src/server/backup/validate-hooks.ts";

describe("hookProblems", () => {
  it("finds none where there are no hooks, or only whole ones", () => {
    assert.deepEqual(hookProblems(undefined), []);
    assert.deepEqual(hookProblems({ resources: null }), []);
    const exec = { command: ["/bin/sync"], timeout: "1m" };
    assert.deepEqual(hookProblems({ resources: [{ name: "h", labelSelector: null, pre: [{ exec }] }] }), []);
  });

  it("counts every problem of a hook, with the place where it stands", () => {
    const exec = { command: [], timeout: "-1s" };
    const labelSelector = { matchExpressions: [{ key: "a", operator: "Exists" as const, values: ["x"] }] };
    const problems = hookProblems({ resources: [{ name: "fine" }, { name: "h", labelSelector, pre: [{ exec }] }] });
    assert.equal(problems.length, 3);
    for (const problem of problems) assert.match(problem, /^spec\.hooks\.resources\[1\] \(h\): /);
  });

  it("refuses an entry without a command to run at all", () => {
    const empty = {} as { exec: { command: string[] } };
    assert.match(hookProblems({ resources: [{ name: "h", post: [empty] }] }).join(), /has no exec/);
  });
});
