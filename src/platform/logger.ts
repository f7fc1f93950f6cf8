// Log lines through pino: as JSON, or as text in the key=value form that Velero's users grep. Secrets are taken out of
// every line, whatever wrote them into it.

import { type Logger as PinoLogger, pino } from "pino";
import { formatMilliTimestamp, systemClock } from "./clock.ts";
import { SecretValues } from "./redaction.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "text" | "json";
type Facts = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** A logger whose lines carry these facts too. */
  child(facts: Facts): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Receives whole lines with their line feed; standard output when absent. */
  readonly write?: (line: string) => void;
  readonly secrets?: SecretValues;
}

const redactedFields = ["password", "secretAccessKey", "sessionToken", "token", "authorization", "Authorization"];

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const secrets = options.secrets ?? new SecretValues();
  const finish = options.format === "json" ? (line: string) => line : textLine;
  const stream = { write: (line: string) => write(secrets.redact(finish(line))) };
  const base = pino(
    {
      level: options.level,
      base: null,
      messageKey: "msg",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${formatMilliTimestamp(systemClock.now())}"`,
      redact: { paths: [...redactedFields, ...redactedFields.map((field) => `*.${field}`)], censor: "[redacted]" },
    },
    stream,
  );
  return wrap(base);
}

/** For tests and for commands that print nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function wrap(logger: PinoLogger<never>): Logger {
  const at = (level: LogLevel) => (message: string, facts?: Facts) => void logger[level](facts ?? {}, message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (facts) => wrap(logger.child(facts)),
  };
}

/** time="…" level=info msg="…" key=value … */
function textLine(jsonLine: string): string {
  const { time, level, msg, ...facts } = JSON.parse(jsonLine) as Record<string, unknown>;
  const rest = Object.entries(facts).map(([key, value]) => ` ${key}=${textValue(value)}`);
  return `time="${String(time)}" level=${level === "warn" ? "warning" : String(level)} msg=${JSON.stringify(msg ?? "")}${rest.join("")}\n`;
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text);
}
