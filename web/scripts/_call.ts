// One call as a person fills it in, and what is shown of its answer.

/** A call: what is sent, and what curl sends in place of the secret. */
export interface Call {
  method: string;
  url: string;
  headers: [name: string, value: string][];
  secret?: [name: string, before: string, variable: string];
  body?: string;
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call as a line for a shell, which names the secret by its variable. */
export function curlOf(call: Call): string {
  const lines = [call.method === "GET" ? `curl ${quoted(call.url)}` : `curl -X ${call.method} ${quoted(call.url)}`];
  if (call.secret) lines.push(`-H "${call.secret[0]}: ${call.secret[1]}$${call.secret[2]}"`);
  for (const [name, value] of call.headers) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (call.body !== undefined) lines.push(`--data-binary ${quoted(call.body)}`);
  return lines.join(" \\\n  ");
}

/** A value as it stands in a path or query: a lone surrogate becomes U+FFFD, where encodeURIComponent would throw. */
export function escaped(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice(2).replaceAll("+", "%20");
}

/** The bytes as text to read, JSON indented; null when they are no text. */
export function shownText(bytes: Uint8Array, type: string, whole: boolean): string | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole }); // a cut may stand within a letter
  } catch {
    return null;
  }
  if (text.includes("\0")) return null;
  if (!whole || !/[/+]json\b/i.test(type)) return text;
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return hiddenShown(indented(text));
}

/** JSON indented as it stands: numbers keep all their digits, names their order and their twins. */
function indented(text: string): string {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    if (token === "{" || token === "[") {
      depth++;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth--;
      out = /[[{]\s*$/.test(out) ? out.trimEnd() + token : out + line() + token;
    } else if (token === ",") {
      out += token + line();
    } else {
      out += token === ":" ? ": " : token;
    }
  }
  return out;
}

/** Characters that turn the direction of writing or cannot be seen, as JSON escapes them. */
function hiddenShown(text: string): string {
  return text.replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
