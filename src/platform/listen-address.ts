// "HOST:PORT" as flags say where to listen.

export interface ListenAddress {
  /** "" for all addresses. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
}

/** Undefined when the text is no address. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const colon = text.lastIndexOf(":");
  const digits = text.slice(colon + 1);
  if (colon < 0 || !/^\d{1,5}$/.test(digits) || Number(digits) > 65_535) return undefined;
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(digits) };
}
