// The form on an operation's page that calls the operation. The call goes from
// the browser to the gateway's own origin; what comes back is shown as text and
// never becomes a part of the page.
import { curlOf, escaped, shownText, type Call } from "./_call";

const shown = 256 * 1024; // bytes of an answer that are shown
const patience = 60_000; // milliseconds

/** What came back, as far as the browser lets the page know. */
interface Answer {
  status: number;
  headers: Headers;
  milliseconds: number;
  bytes: Uint8Array;
  cut: boolean;
  broken: boolean;
}

/** A call that could not be made, or whose answer cannot be read: why, in words. */
class Unsaid extends Error {}

class Panel {
  private readonly words: Record<string, string> = {};
  private readonly status: HTMLElement;
  private readonly place: HTMLElement;
  private under?: AbortController;
  private token?: { for: string; text: string; until: number };

  constructor(private readonly box: HTMLElement, private readonly form: HTMLFormElement, private readonly which: string) {
    const said = box.querySelector<HTMLTemplateElement>("[data-words]")?.content.querySelectorAll<HTMLElement>("[data-say]") ?? [];
    for (const word of said) this.words[word.dataset["say"] ?? ""] = word.textContent ?? "";
    this.status = box.querySelector<HTMLElement>("[data-status]") ?? box;
    this.place = box.querySelector<HTMLElement>("[data-answer]") ?? box;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.call();
    });
  }

  private async call() {
    this.under?.abort(); // a second press is about what is typed now
    const under = (this.under = new AbortController());
    const late = setTimeout(() => under.abort("late"), patience);
    this.status.textContent = this.say("calling");
    try {
      const call = this.filledIn();
      const secret = await this.secret();
      const answer = await this.send(call, secret, under);
      if (under === this.under) this.show(call, answer);
    } catch (why) {
      if (under !== this.under) return;
      this.place.replaceChildren();
      if (!(why instanceof Unsaid)) throw why;
      this.status.textContent = why.message;
    } finally {
      clearTimeout(late);
    }
  }

  private say(key: string, n = ""): string {
    return (this.words[key] ?? "").replace("#", n);
  }

  /** The call as the form stands. */
  private filledIn(): Call {
    const { method = "GET", base = "", type, access, key } = this.box.dataset;
    let path = this.box.dataset["path"] ?? "";
    const query: string[] = [];
    const headers: [string, string][] = [];
    for (const field of this.form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-in]")) {
      const { name, value } = field;
      if (field.dataset["in"] === "path") {
        if (["", ".", ".."].includes(value)) {
          field.focus();
          throw new Unsaid(this.say("dot-segment"));
        }
        path = path.replaceAll(`{${name}}`, escaped(value));
      } else if (value && field.dataset["in"] === "query") {
        const values = "list" in field.dataset ? value.split(",").map((v) => v.trim()) : [value];
        query.push(...values.map((v) => `${escaped(name)}=${escaped(v)}`));
      } else if (value && field.dataset["in"] === "header") {
        headers.push([name, value]);
      }
    }
    const purpose = this.caller()?.selectedOptions[0]?.dataset["purpose"];
    if (purpose) headers.push(["LGSP-Purpose", purpose]);
    const body = this.form.querySelector<HTMLTextAreaElement>("[data-body]")?.value;
    if (body !== undefined && type) headers.push(["Content-Type", type]);
    const call: Call = { method, url: base + path + (query.length ? `?${query.join("&")}` : ""), headers };
    if (body !== undefined) call.body = body;
    if (key) call.secret = ["X-API-Key", "", "LGSP_KEY"];
    else if (access !== "open") call.secret = ["Authorization", "Bearer ", "LGSP_TOKEN"];
    return call;
  }

  private caller(): HTMLSelectElement | null {
    return this.form.querySelector<HTMLSelectElement>("[data-caller]");
  }

  /** What proves the application: the key that the page has just shown, or a token for a quarter of an hour, which is kept here alone. */
  private async secret(): Promise<string> {
    const { key, token: address, locale } = this.box.dataset;
    if (key || !address) return key ?? "";
    const application = this.caller()?.value ?? "";
    if (this.token?.for === application && this.token.until > Date.now() + 30_000) return `Bearer ${this.token.text}`;
    let answer: Response;
    try {
      answer = await fetch(address, { method: "POST", body: new URLSearchParams({ application }), headers: { "Accept-Language": locale ?? "" } });
    } catch {
      throw new Unsaid(this.say(navigator.onLine ? "token-failed" : "offline"));
    }
    if (answer.status === 401) throw new Unsaid(this.say("session"));
    const said = (await answer.json().catch(() => ({}))) as { access_token?: string; expires_at?: string; detail?: string };
    if (!answer.ok || !said.access_token) throw new Unsaid(said.detail ?? this.say("token-failed"));
    this.token = { for: application, text: said.access_token, until: Date.parse(said.expires_at ?? "") };
    return `Bearer ${said.access_token}`;
  }

  private async send(call: Call, secret: string, under: AbortController): Promise<Answer> {
    const headers: [string, string][] = [...call.headers, ["Accept-Language", this.box.dataset["locale"] ?? ""]];
    if (call.secret && secret) headers.push([call.secret[0], secret]);
    const begun = performance.now();
    let answer: Response;
    try {
      answer = await fetch(call.url, {
        method: call.method, headers, ...(call.body === undefined ? {} : { body: call.body }), signal: under.signal,
        mode: "cors", credentials: "omit", cache: "no-store", redirect: "manual", referrerPolicy: "no-referrer",
      });
    } catch {
      throw new Unsaid(await this.why(under));
    }
    if (answer.type === "opaqueredirect") throw new Unsaid(this.say("redirect"));
    const { bytes, cut, broken } = await this.begin(answer, under);
    return { status: answer.status, headers: answer.headers, milliseconds: performance.now() - begun, bytes, cut, broken };
  }

  /** The first bytes of a body; the rest is let go. */
  private async begin(answer: Response, under: AbortController) {
    const pieces: Uint8Array[] = [];
    let length = 0;
    let broken = false;
    const reader = answer.body?.getReader();
    try {
      for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
        pieces.push(piece.value);
        length += piece.value.length;
        if (length > shown) break;
      }
    } catch {
      broken = true;
    }
    const cut = length > shown;
    if (cut) under.abort("cut");
    const bytes = new Uint8Array(length);
    pieces.reduce((at, piece) => (bytes.set(piece, at), at + piece.length), 0);
    return { bytes: bytes.subarray(0, shown), cut, broken };
  }

  /** Why there is no answer. Browsers tell pages nothing of it, so the gateway is asked for what it gives to everybody. */
  private async why(under: AbortController): Promise<string> {
    if (under.signal.reason === "late") return this.say("late");
    if (!navigator.onLine) return this.say("offline");
    const gateway = new URL(this.box.dataset["base"] ?? "").origin;
    try {
      await fetch(`${gateway}/.well-known/api-catalog`, { mode: "no-cors", credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
      return this.say("cors");
    } catch {
      return this.say("unreachable");
    }
  }

  private show(call: Call, answer: Answer) {
    const type = answer.headers.get("Content-Type") ?? "";
    const text = shownText(answer.bytes, type, !answer.cut && !answer.broken);
    this.status.textContent = `${answer.status} · ${Math.round(answer.milliseconds)} ms · ${answer.cut ? ">" : ""}${this.size(answer.bytes.length)}`;
    const parts: (Node | null)[] = [this.advice(answer, text), this.left(answer.headers)];
    if (answer.cut) parts.push(this.line(this.say("cut", this.size(shown))));
    if (answer.broken) parts.push(this.line(this.say("broken")));
    if (text === null) parts.push(this.line(this.say("binary")));
    else if (text === "") parts.push(this.line(this.say("empty")));
    else parts.push(this.sample(this.say("body"), text, "answer-body"));
    parts.push(this.headers(answer.headers), this.sample(this.say("same"), curlOf(call)));
    this.place.replaceChildren(...parts.filter((part) => part !== null));
  }

  private size(n: number): string {
    const locale = this.box.dataset["locale"] ?? "vi";
    return n < 1000 ? `${n} B` : `${(n / 1000).toLocaleString(locale, { maximumFractionDigits: n < 100_000 ? 1 : 0 })} kB`;
  }

  private line(text: string): HTMLElement {
    const p = document.createElement("p");
    p.textContent = text;
    return p;
  }

  /** What a refusal says, and where to read on. */
  private advice(answer: Answer, text: string | null): HTMLElement | null {
    if (answer.status < 400) return null;
    let said: Record<string, unknown> = {};
    try {
      said = JSON.parse(text ?? "") as Record<string, unknown>;
    } catch {
      // no problem document, then
    }
    const code = String(said["code"] ?? "");
    const own = String(said["type"] ?? "").startsWith("urn:lgsp:problem:") && /^[a-z0-9-]{1,60}$/.test(code);
    const part = document.createElement("div");
    part.className = "stack";
    part.dataset["advice"] = code;
    if (!own) {
      part.append(this.line(this.say("from-upstream")));
      return part;
    }
    const title = this.line("");
    title.append(Object.assign(document.createElement("strong"), { textContent: String(said["title"] ?? "") }));
    part.append(title, this.line(String(said["detail"] ?? "")));
    const links = this.line("");
    links.className = "row";
    links.append(this.link(this.say("code-page"), `${this.box.dataset["codes"]}/${code}`));
    const application = this.caller()?.value;
    const trace = String(said["trace_id"] ?? "");
    if (application && trace) {
      links.append(" ", this.link(this.say("explain"), `${this.box.dataset["explain"]}?${new URLSearchParams({ application, trace })}`));
    }
    part.append(links);
    return part;
  }

  private link(text: string, href: string): HTMLAnchorElement {
    return Object.assign(document.createElement("a"), { textContent: text, href });
  }

  /** What is left of the limits that the gateway told of. */
  private left(headers: Headers): HTMLElement | null {
    const told: string[] = [];
    for (const [, name = "", n = ""] of (headers.get("RateLimit") ?? "").matchAll(/"(\w+)";r=(\d+)/g)) {
      const text = this.say(`left-${name}`, Number(n).toLocaleString(this.box.dataset["locale"]));
      if (text) told.push(text);
    }
    if (!told.length) return null;
    const line = this.line(told.join(" "));
    line.className = "muted";
    return line;
  }

  private headers(headers: Headers): HTMLElement {
    const details = document.createElement("details");
    details.className = "more";
    const summary = Object.assign(document.createElement("summary"), { textContent: this.say("headers") });
    const lines = [...headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    details.append(summary, this.sample(this.say("headers-some"), lines));
    return details;
  }

  /** A text to read and to copy. */
  private sample(label: string, text: string, look = ""): HTMLElement {
    const sample = document.createElement("div");
    sample.className = "sample";
    const head = document.createElement("div");
    head.className = "sample-head";
    head.append(Object.assign(document.createElement("span"), { textContent: label }));
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    pre.setAttribute("role", "region");
    pre.setAttribute("aria-label", label + this.which);
    pre.append(Object.assign(document.createElement("code"), { textContent: text }));
    if (look) pre.className = look;
    if (navigator.clipboard) {
      const copy = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: this.say("copy") });
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text);
        copy.textContent = this.say("copied");
        setTimeout(() => (copy.textContent = this.say("copy")), 2000);
      });
      copy.setAttribute("aria-live", "polite");
      head.append(copy);
    }
    sample.append(head, pre);
    return sample;
  }
}

const boxes = [...document.querySelectorAll<HTMLElement>("[data-try]")];
boxes.forEach((box, i) => {
  box.hidden = false;
  const form = box.querySelector("form");
  if (form) new Panel(box, form, boxes.length > 1 ? ` ${i + 1}` : ""); // regions of one page have names of their own
});

// The language read last is the first one on the next page.
const remembered = "lgsp-language";
for (const group of document.querySelectorAll<HTMLElement>("[data-languages]")) {
  try {
    const last = group.querySelector<HTMLInputElement>(`input[value="${CSS.escape(localStorage.getItem(remembered) ?? "")}"]`);
    if (last) last.checked = true;
    group.addEventListener("change", (event) => localStorage.setItem(remembered, (event.target as HTMLInputElement).value));
  } catch {
    // storage is shut off: each page begins with curl
  }
}
