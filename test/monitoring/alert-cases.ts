// For each alert: series as Prometheus would have collected them, when it is quiet and when it fires. Times begin at 0, so
// that a time stamp of 0 is as old as the test.

export interface AlertCase {
  readonly alert: string;
  /** Series in promtool's notation; one sample a minute. */
  readonly series: Readonly<Record<string, string>>;
  readonly quietAt: readonly string[];
  readonly firesAt: string;
  /** Of the alert that fires, besides its severity. */
  readonly labels: Readonly<Record<string, string>>;
}

const volume = { volume_namespace: "shop", volume_pod: "db-0", volume: "data" };
const claimed = { ...volume, claim: "data-db-0" };

function series(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return `${name}{${pairs.join(",")}}`;
}

const always = "0x3000";
const backup = { direction: "backup" };
const restore = { direction: "restore" };

export const alertCases: readonly AlertCase[] = [
  {
    // Fails at 10 min, succeeds again at 60 min.
    alert: "StowageVolumeBackupFailed",
    series: {
      [series("stowage_volume_backup_last_success_timestamp_seconds", claimed)]: "0x59 3600x60",
      [series("stowage_volume_backup_last_failure_timestamp_seconds", claimed)]: "_x10 600x110",
    },
    quietAt: ["5m", "70m"],
    firesAt: "30m",
    labels: claimed,
  },
  {
    // Never a success.
    alert: "StowageVolumeBackupFailed",
    series: { [series("stowage_volume_backup_last_failure_timestamp_seconds", claimed)]: "_x10 600x110" },
    quietAt: ["5m"],
    firesAt: "30m",
    labels: claimed,
  },
  {
    alert: "StowageVolumeBackupMissed",
    series: { [series("stowage_volume_backup_last_success_timestamp_seconds", claimed)]: always },
    quietAt: ["25h", "26h5m"],
    firesAt: "26h15m",
    labels: claimed,
  },
  {
    alert: "StowageVolumeBackupNotBegun",
    series: { [series("stowage_volumes_waiting_since_timestamp_seconds", backup)]: always },
    quietAt: ["119m", "123m"],
    firesAt: "126m",
    labels: backup,
  },
  {
    // Nobody is on that node; only the server sees it.
    alert: "StowageVolumeBackupNotBegun",
    series: {
      [series("stowage_volume_objects_unclaimed_since_timestamp_seconds", backup)]: always,
      [series("stowage_volume_objects_unclaimed_since_timestamp_seconds", restore)]: always,
    },
    quietAt: ["119m"],
    firesAt: "126m",
    labels: backup,
  },
  {
    // Comes forward until 30 min.
    alert: "StowageVolumeStuck",
    series: {
      [series("stowage_volume_running_progress_timestamp_seconds", { ...backup, ...volume })]: "0+60x30 1800x100",
    },
    quietAt: ["30m", "74m"],
    firesAt: "76m",
    labels: { ...backup, ...volume },
  },
  {
    alert: "StowageVolumeSlow",
    series: { [series("stowage_volume_running_since_timestamp_seconds", { ...restore, ...volume })]: always },
    quietAt: ["239m"],
    firesAt: "241m",
    labels: { ...restore, ...volume },
  },
  {
    // 20 minutes each day; then, in the second day, two hours.
    alert: "StowageVolumeBackupSlower",
    series: { [series("stowage_volume_backup_last_duration_seconds", claimed)]: "1200x1440 7200x400" },
    quietAt: ["23h", "30h40m"],
    firesAt: "25h",
    labels: claimed,
  },
  {
    // An hour of it.
    alert: "StowageVolumeRestoreFailed",
    series: {
      [series("stowage_volume_restore_last_failure_timestamp_seconds", claimed)]: "_x10 600x110",
    },
    quietAt: ["5m", "71m"],
    firesAt: "69m",
    labels: claimed,
  },
  {
    alert: "StowageRestoreWaiting",
    series: { [series("stowage_volumes_waiting_since_timestamp_seconds", restore)]: always },
    quietAt: ["29m", "33m"],
    firesAt: "36m",
    labels: restore,
  },
  {
    alert: "StowageBackupFailed",
    series: {
      'velero_backup_last_status{schedule="nightly"}': "1x20 0x60",
      'velero_backup_last_status{schedule=""}': "0x80",
    },
    quietAt: ["15m", "24m"],
    firesAt: "30m",
    labels: { schedule: "nightly" },
  },
  {
    alert: "StowageScheduleLate",
    series: { 'stowage_schedule_next_run_timestamp_seconds{schedule="nightly"}': "600x100" },
    quietAt: ["9m", "69m"],
    firesAt: "71m",
    labels: { schedule: "nightly" },
  },
  {
    alert: "StowageDeletionsPaused",
    series: { 'stowage_deletions_paused{location="default"}': "0x10 1x10" },
    quietAt: ["9m"],
    firesAt: "12m",
    labels: { location: "default" },
  },
  {
    // Scraped until 20 min; what was seen last counts for five minutes more.
    alert: "StowageAgentAbsent",
    series: {
      'stowage_info{role="agent",version="1",pod="a"}': "1x20",
      'stowage_info{role="server",version="1",pod="s"}': "1x60",
    },
    quietAt: ["20m", "34m"],
    firesAt: "37m",
    labels: { role: "agent" },
  },
  {
    alert: "StowageAgentDown",
    series: { 'up{job="stowage-agent",pod="a"}': "1x10 0x40", 'up{job="stowage-server",pod="s"}': "0x50" },
    quietAt: ["10m", "25m"],
    firesAt: "27m",
    labels: { job: "stowage-agent", pod: "a" },
  },
  {
    alert: "StowageRepositoryLocked",
    series: {
      'stowage_repository_locked_since_timestamp_seconds{repository="shop",kind="exclusive"}': always,
      'stowage_repository_locked_since_timestamp_seconds{repository="shop",kind="shared"}': always,
    },
    quietAt: ["119m"],
    firesAt: "121m",
    labels: { repository: "shop", kind: "exclusive" },
  },
  {
    alert: "StowageLockWait",
    series: { 'stowage_lock_wait_seconds{pod="a"}': "0x10 0+60x30" },
    quietAt: ["10m", "20m"],
    firesAt: "23m",
    labels: { pod: "a" },
  },
  {
    alert: "StowageRepositoryNotReady",
    series: { 'stowage_repository_ready{repository="shop"}': "1x10 0x60" },
    quietAt: ["10m", "40m"],
    firesAt: "42m",
    labels: { repository: "shop" },
  },
  {
    alert: "StowageRepositoryDamaged",
    series: { 'stowage_repository_damaged_snapshots{repository="shop"}': "0x10 2x10" },
    quietAt: ["10m"],
    firesAt: "12m",
    labels: { repository: "shop" },
  },
  {
    alert: "StowageStorageLocationUnavailable",
    series: { 'stowage_storage_location_available{location="default"}': "1x10 0x60" },
    quietAt: ["10m", "25m"],
    firesAt: "27m",
    labels: { location: "default" },
  },
  {
    // Every fifth request fails from 20 min on; a 404 is an answer like any other.
    alert: "StowageStorageErrors",
    series: {
      'stowage_storage_requests_total{job="stowage-agent",namespace="velero",pod="a",method="put",code="ok"}':
        "0+80x80",
      'stowage_storage_requests_total{job="stowage-agent",namespace="velero",pod="a",method="get",code="404"}':
        "0+40x80",
      'stowage_storage_requests_total{job="stowage-agent",namespace="velero",pod="a",method="put",code="503"}':
        "0x20 0+30x60",
    },
    quietAt: ["18m", "30m"],
    firesAt: "45m",
    labels: { job: "stowage-agent", namespace: "velero", pod: "a" },
  },
];
