import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatYaml, parseYaml } from "../../../../src/platform/yaml.ts";

describe("parseYaml()", () => {
  it("gives plain values, of JSON too", () => {
    assert.deepEqual(parseYaml("a: 1\nb: [x, 'true', true]\n"), { a: 1, b: ["x", "true", true] });
    assert.deepEqual(parseYaml('{"a": {"b": null}}'), { a: { b: null } });
    assert.equal(parseYaml(""), undefined);
  });

  it("names the line of what it cannot read, and quotes nothing of the text", () => {
    assert.throws(
      () => parseYaml("a: secret\nb: [1"),
      (error: Error) => {
        assert.match(error.message, /line 2/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
    assert.throws(() => parseYaml("a: 1\na: 2\n"), /unique.*line 2/i);
  });

  it("refuses a text whose aliases would blow up", () => {
    const levels = Array.from(
      { length: 8 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? "x" : `*a${n - 1}`)
          .join(",")}]`,
    );
    assert.throws(() => parseYaml(levels.join("\n")), /alias/);
  });
});

describe("formatYaml()", () => {
  it("quotes what older readers would take for something else, and names nothing twice", () => {
    const shared = { time: "12:30", answer: "no", size: "0x10", plain: "text" };
    const text = formatYaml({ a: shared, b: shared });
    const block = '  time: "12:30"\n  answer: "no"\n  size: "0x10"\n  plain: text\n';
    assert.equal(text, `a:\n${block}b:\n${block}`);
    assert.deepEqual(parseYaml(text), { a: shared, b: shared });
  });
});
