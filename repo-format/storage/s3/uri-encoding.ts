// How signatures write text in an address.

/** Everything but A-Z a-z 0-9 - . _ ~ is written in hex. */
export function encodeUriText(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
