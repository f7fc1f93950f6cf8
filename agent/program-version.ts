// The name under which this program appears in snapshots.

import packageJson from "../package.json" with { type: "json" };

export const programVersion: string = `stowage ${packageJson.version}`;
