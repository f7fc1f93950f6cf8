// Alerts, dashboard, metrics and logs are what the pages say: each alert has its section in the runbook and the reverse, every
// metric that they name exists, the reference is the program's own, and the table of log lines names every line.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { allMetrics, renderMetrics } from "../support/metrics-reference.ts";
import { alertGroups, dashboardPanels } from "../support/prometheus.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const alerts = alertGroups().flatMap(({ rules }) => rules);

test("every alert has its section in the runbook, and every section its alert", () => {
  const sections = [...read("docs/runbook.md").matchAll(/^## (\w+)$/gm)].map(([, title]) => title);
  assert.deepEqual(sections.sort(), alerts.map(({ alert }) => alert).sort());
});

test("every section says what the alert means, what to look at and what to do", () => {
  for (const section of read("docs/runbook.md").split(/^## /m).slice(1)) {
    for (const part of ["**Means:**", "**Look at:**", "**Do:**"])
      assert.ok(section.includes(part), `${section.split("\n")[0]}: ${part}`);
  }
});

test("every alert has a severity, a summary and the address of its section", () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels.severity ?? "", /^(info|warning|critical)$/, alert);
    assert.notEqual(annotations.summary ?? "", "", alert);
    assert.equal(annotations.runbook_url, `docs/runbook.md#${alert.toLowerCase()}`);
  }
});

test("every panel has a description and at least one query", () => {
  for (const { title, description = "", targets = [] } of dashboardPanels())
    assert.ok(description !== "" && targets.length > 0, title);
});

test("alerts and panels name metrics that the processes have", () => {
  const known = new Set(allMetrics().map(({ name }) => name));
  const expressions = [
    ...alerts.map(({ expr }) => expr),
    ...dashboardPanels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ];
  const named = expressions.flatMap((expr) =>
    [...expr.matchAll(/\b(?:stowage|velero|podVolume|process)_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, "")),
  );
  assert.ok(named.length > 60, `${named.length} names`);
  assert.deepEqual(
    [...new Set(named)].filter((name) => !known.has(name)),
    [],
  );
});

test("docs/metrics.md lists every metric with its type, labels and help (STOWAGE_WRITE_DOCS=1 writes it anew)", () => {
  const page = read("docs/metrics.md");
  const rendered = renderMetrics(page);
  if (process.env.STOWAGE_WRITE_DOCS === "1") writeFileSync(join(root, "docs", "metrics.md"), rendered);
  else assert.equal(page, rendered);
});

test("docs/logs.md names each line that tells of a change of state, with its level and every fact", () => {
  const page = read("docs/logs.md");
  const source = read("agent/volume-work/volume-log.ts");
  const lines = [...source.matchAll(/\.(info|warn|error)\("([^"]+)"/g)].map(
    ([, level, text]) => `| \`${text}\` | ${level} |`,
  );
  assert.equal(lines.length, 4);
  for (const line of lines) assert.ok(page.includes(line), line);
  const kinds = [...read("src/server/state/state-log.ts").matchAll(/follow\("(\w+)"/g)].map(([, kind]) => kind);
  const documented = [...page.matchAll(/^\| `state changed` \| \w+ \| `(\w+)`/gm)].map(([, kind]) => kind);
  assert.deepEqual(documented, kinds);
  const facts = [...source.matchAll(/^ +(\w+)(?::|,$)/gm)].map(([, fact = ""]) => fact);
  const others = new Set(["status", "reason", "spec", "metadata", "object"]);
  for (const fact of facts.filter((one) => !others.has(one))) assert.ok(page.includes(`\`${fact}\``), fact);
});
