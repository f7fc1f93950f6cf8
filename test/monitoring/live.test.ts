// Prometheus has really scraped our processes: every panel of the dashboard shows something, every alert looks at series that
// exist, those fire that should, and what we serve passes Prometheus' own lint.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prometheusBinary } from "../support/peers.ts";
import { eventually, runProcess } from "../support/processes.ts";
import { type Alert, alertGroups, dashboardPanels, monitoredJobs, type Series } from "../support/prometheus.ts";
import { type MonitoredCluster, metricsPort, startMonitoredCluster } from "./monitored-cluster.ts";

let cluster: MonitoredCluster;

before(async () => {
  cluster = await startMonitoredCluster();
  await cluster.live();
});
after(() => cluster.stop());

/** Grafana's variables as Grafana would fill them. */
function asGrafanaAsks(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m");
}

const isNumber = ({ value: [, text] }: Series): boolean => text !== "NaN";

for (const { title, targets = [] } of dashboardPanels()) {
  test(`the panel "${title}" shows something`, async () => {
    assert.ok(targets.length > 0);
    for (const { expr } of targets) {
      const series = await cluster.prometheus.query(asGrafanaAsks(expr));
      assert.ok(series.some(isNumber), `${expr} gives ${JSON.stringify(series)}`);
    }
  });
}

/** The series that an expression reads: names with their braces. */
function selectorsIn(expr: string): string[] {
  return [...expr.matchAll(/\b((?:stowage|velero)_[a-z_]+|up)(\{[^}]*\})?/g)].map(([selector]) => selector);
}

const alerts = alertGroups().flatMap(({ rules }) => rules);

for (const { alert, expr } of alerts) {
  test(`the alert ${alert} looks at series that exist`, async () => {
    await cluster.prometheus.query(expr);
    const selectors = selectorsIn(expr);
    assert.ok(selectors.length > 0, expr);
    for (const selector of selectors) {
      assert.ok((await cluster.prometheus.query(selector)).length > 0, `${selector} has no series`);
    }
  });
}

interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

test("what has failed is told: the volume, the restore, the schedule's Backup, and nothing else", async () => {
  const active = async (): Promise<readonly ActiveAlert[]> =>
    ((await cluster.prometheus.get("alerts")) as { alerts: ActiveAlert[] }).alerts;
  const expected = [
    "StowageBackupFailed",
    "StowageStorageLocationUnavailable",
    "StowageVolumeBackupFailed",
    "StowageVolumeRestoreFailed",
  ];
  const told = new Set<string>();
  await eventually("the alerts are active", async () => {
    for (const { labels } of await active()) told.add(labels.alertname ?? "");
    return expected.every((name) => told.has(name));
  });
  // Whether a tenth of the requests has failed is a matter of the moment.
  const surprising = [...told].filter((name) => !expected.includes(name) && name !== "StowageStorageErrors");
  assert.deepEqual(surprising, []);
  const failed = (await active()).filter(({ labels }) => labels.alertname === "StowageVolumeBackupFailed");
  const summaries = failed.map(({ annotations }) => annotations.summary);
  assert.ok(summaries.includes("The last backup of mixed/broken, volume lost, failed"), String(summaries));
});

test("what the agent and the server serve passes Prometheus' lint, Velero's names aside", async () => {
  for (const process_ of [cluster.agent, cluster.server]) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort(process_)}/metrics`)).text();
    const own = text.split("\n").filter((line) => /^(# (HELP|TYPE) )?stowage_/.test(line));
    assert.ok(own.length > 100, `${own.length} lines`);
    const args = ["check", "metrics"];
    const { code, stdout, stderr } = await runProcess(prometheusBinary("promtool"), {
      args,
      input: `${own.join("\n")}\n`,
    });
    assert.equal(`${code} ${stdout}${stderr}`, "0 ");
  }
});

test("the jobs that the alerts and panels name are those of the PodMonitors", async () => {
  const jobs = [...monitoredJobs().values()];
  const text = [...alerts.map(({ expr }: Alert) => expr), ...dashboardPanels().map((panel) => JSON.stringify(panel))];
  const named = text.flatMap((one) => [...one.matchAll(/job=\\?"([^"\\]+)/g)].map(([, job = ""]) => job));
  assert.deepEqual([...new Set(named)].sort(), ["stowage-agent"]);
  assert.deepEqual(jobs, ["stowage-agent", "stowage-server"]);
});
