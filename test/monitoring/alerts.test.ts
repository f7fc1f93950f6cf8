// The rules of manifests/monitoring in promtool's hands: they are valid, and each alert fires when it should and only then.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { stringify } from "yaml";
import { prometheusBinary } from "../support/peers.ts";
import { runProcess } from "../support/processes.ts";
import { type Alert, alertGroups, writeRules } from "../support/prometheus.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type AlertCase, alertCases } from "./alert-cases.ts";

const alerts = alertGroups().flatMap(({ rules }) => rules);

async function promtool(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(prometheusBinary("promtool"), { args });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  return stdout;
}

test("the rules are valid, their templates included", async (t) => {
  const file = join(temporaryDirectory(t, "rules"), "rules.yaml");
  writeRules(file, alertGroups());
  assert.match(await promtool("check", "rules", "--lint-fatal", file), new RegExp(`${alerts.length} rules found`));
});

test("every alert has a case in which it fires and is quiet before", () => {
  const cases = new Set(alertCases.map(({ alert }) => alert));
  assert.deepEqual([...cases].sort(), alerts.map(({ alert }) => alert).sort());
  for (const { alert, quietAt } of alertCases) assert.ok(quietAt.length > 0, alert);
});

for (const { alert, ...rest } of alertCases) {
  test(`${alert} fires at ${rest.firesAt} and not at ${rest.quietAt.join(" or ")}: ${Object.keys(rest.series)[0]}`, async (t) => {
    await promtool("test", "rules", writeCase(temporaryDirectory(t, "alert"), { alert, ...rest }));
  });
}

test("a case that expects what does not happen fails", async (t) => {
  const [first] = alertCases;
  assert.ok(first !== undefined);
  const wrong = { ...first, firesAt: first.quietAt[0] ?? "" };
  await assert.rejects(promtool("test", "rules", writeCase(temporaryDirectory(t, "alert"), wrong)), /FAILED/);
});

/** @returns the file that promtool reads. Annotations are left out: `check rules` has looked at them. */
function writeCase(folder: string, { alert, series, quietAt, firesAt, labels }: AlertCase): string {
  const groups = alertGroups().map((group) => ({ ...group, rules: group.rules.map(withoutAnnotations) }));
  writeRules(join(folder, "rules.yaml"), groups);
  const severity = alerts.find((rule) => rule.alert === alert)?.labels.severity;
  const fires = { eval_time: firesAt, alertname: alert, exp_alerts: [{ exp_labels: { ...labels, severity } }] };
  const isQuiet = quietAt.map((time) => ({ eval_time: time, alertname: alert, exp_alerts: [] }));
  const group = {
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [...isQuiet, fires],
  };
  const file = join(folder, "case.yaml");
  writeFileSync(file, stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests: [group] }));
  return file;
}

function withoutAnnotations(rule: Alert): Alert {
  return { ...rule, annotations: {} };
}
