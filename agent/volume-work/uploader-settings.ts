// Values of spec.uploaderSettings, which are all text.

type Settings = Readonly<Record<string, string>> | null | undefined;

/** A number of files to move at the same time; undefined when it is absent or no positive number. */
export function parallelSetting(
  settings: Settings,
  key: "ParallelFilesUpload" | "ParallelFilesDownload",
): number | undefined {
  const value = Number(settings?.[key]);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

export function writesSparseFiles(settings: Settings): boolean {
  return settings?.WriteSparseFiles === "true";
}
