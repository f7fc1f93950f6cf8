// What this server says that it is.
import packageJson from "../../package.json" with { type: "json" };

export const serverVersion: string = `stowage-v${packageJson.version}`;
