import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Outline } from "../../../../../src/cli/output/outline.ts";

describe("Outline", () => {
  it("aligns the values of neighbours and indents sections", () => {
    const outline = new Outline().field("Name", "shop").field("Namespace", "velero").gap();
    outline.section("Resources", () => outline.words("Included", ["a", "b"]).words("Excluded", null));
    outline.field("TTL", 3);
    assert.equal(
      outline.text(),
      [
        "Name:       shop",
        "Namespace:  velero",
        "",
        "Resources:",
        "  Included:  a, b",
        "  Excluded:  <none>",
        "TTL:  3",
        "",
      ].join("\n"),
    );
  });

  it("continues a value of several lines below its first one", () => {
    assert.equal(new Outline().field("Labels", "a=1\nb=2").text(), "Labels:  a=1\n         b=2\n");
  });

  it("shows lists one item a line, and an empty one as <none>", () => {
    const outline = new Outline().list("Errors", ["one\nmore", "two"]).list("Warnings", []);
    assert.equal(outline.text(), "Errors:\n  one\n    more\n  two\nWarnings:  <none>\n");
  });

  it("has no empty line at the top and never two", () => {
    assert.equal(new Outline().gap().line("a").gap().gap().line("b").text(), "a\n\nb\n");
  });

  it("lets no text take effect on a terminal", () => {
    const text = new Outline().field("Message\x07", "x\x1b[2J").line("\x9b1m").text();
    assert.equal(text, "Message\\x07:  x\\x1b[2J\n\\x9b1m\n");
  });
});
