// The head of an HTTP answer, as far as it is needed to know where the body ends.

export interface AnswerHead {
  readonly status: number;
  /** By lower-case names; of a name that comes twice, both values with a comma between. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  /** The connection may be used again afterwards. */
  readonly keepsConnection: boolean;
}

/**
 * @param text from the status line to the last header, without the empty line.
 * @returns undefined when the body's length is not said in one plain number, and for whatever is not HTTP/1.1.
 */
export function parseAnswerHead(text: string): AnswerHead | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1]);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const { name, value = "" } = /^(?<name>[^\s:]+):[ \t]*(?<value>.*?)[ \t]*$/.exec(line)?.groups ?? {};
    if (name === undefined) return undefined;
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const { "content-length": length = "", connection = "", "transfer-encoding": coding } = headers;
  if (!(status > 0) || coding !== undefined || !/^\d{1,15}$/.test(length)) return undefined;
  const isClosed = connection.split(",").some((word) => word.trim().toLowerCase() === "close");
  return { status, headers, bodyBytes: Number(length), keepsConnection: !isClosed };
}
