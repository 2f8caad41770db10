// A form with a file tells how far it has been sent. Where it names an address
// for pieces, the file goes there first, piece by piece (tus 1.0.0): a
// connection that breaks is taken up again, and so is a page that was closed,
// when the same file is chosen once more. Without this script the browser
// sends the file with the form, in silence.
const PIECE = 8 * 1024 * 1024;
const TRIES = 8; // without a byte of progress

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-progress]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return; // sent already
    event.preventDefault();
    const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
    const status = new Status(form);
    const file = form.querySelector<HTMLInputElement>("input[type=file]")?.files?.[0];
    const pieces = form.dataset["uploads"];
    if (!file || !pieces) {
      void submit(form, new FormData(form), status);
      return;
    }
    if (button) button.disabled = true;
    sendFile(file, pieces, status).then(
      (id) => {
        const data = new FormData(form);
        data.delete("file");
        data.set("upload", id);
        return submit(form, data, status);
      },
      (refusal: unknown) => {
        status.stop(refusal instanceof Refusal ? refusal.message : (form.dataset["stopped"] ?? ""));
        if (button) button.disabled = false;
      },
    );
  });
}

/** What is shown below the form while it is sent. */
class Status {
  private box = document.createElement("div");
  private text = document.createElement("p");
  private bar = document.createElement("progress");

  constructor(private form: HTMLFormElement) {
    for (const former of form.querySelectorAll(".sending")) former.remove();
    this.box.className = "sending";
    this.text.setAttribute("role", "status");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", form.dataset["progress"] ?? "");
    this.box.append(this.text, this.bar);
    form.append(this.box);
    this.say(`${form.dataset["progress"]}…`);
  }

  /** Tells how far it is; in words at each tenth, so that nobody hears every step. */
  sent(part: number): void {
    this.bar.value = part;
    this.say(`${this.form.dataset["progress"]} ${Math.floor(part * 10) * 10}%`);
  }

  wait(): void {
    this.say(this.form.dataset["waiting"] ?? "");
  }

  read(): void {
    this.bar.removeAttribute("value");
    this.say(this.form.dataset["reading"] ?? "");
  }

  stop(why: string): void {
    this.bar.remove();
    this.text.setAttribute("role", "alert");
    this.say(why);
  }

  private say(text: string): void {
    if (this.text.textContent !== text) this.text.textContent = text;
  }
}

/** A no that trying again does not change. */
class Refusal extends Error {}

/** Sends the form; the answer is the page that the browser would have gone to. */
function submit(form: HTMLFormElement, data: FormData, status: Status): Promise<void> {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      if (sent.loaded < sent.total) status.sent(sent.loaded / sent.total);
      else status.read();
    });
    request.addEventListener("load", () => {
      history.replaceState(null, "", request.responseURL);
      document.open();
      document.write(request.responseText);
      document.close();
      done();
    });
    request.addEventListener("error", () => (form.submit(), done()));
    request.send(data);
  });
}

/** Sends a file in pieces and gives its id; it goes on where it stopped, if it did. */
async function sendFile(file: File, address: string, status: Status): Promise<string> {
  const key = `upload ${address} ${file.name} ${file.size} ${file.lastModified}`;
  let at = recall(key);
  let offset = -1; // unknown
  for (let tries = 0; offset < file.size; ) {
    if (tries > 0) {
      if (tries > TRIES) throw new Error("no progress");
      status.wait();
      await new Promise((go) => setTimeout(go, Math.min(1000 * 2 ** (tries - 1), 30_000)));
    }
    tries++;
    let answer: XMLHttpRequest;
    if (at === "") {
      answer = await ask("POST", address, { "Upload-Length": String(file.size), "Upload-Metadata": `filename ${base64(file.name)}` });
      if (answer.status === 201) {
        at = answer.getResponseHeader("Location") ?? "";
        remember(key, at);
        offset = 0;
        tries = 0;
        continue;
      }
    } else if (offset < 0) {
      answer = await ask("HEAD", at, {});
      if (answer.status === 200) {
        offset = Number(answer.getResponseHeader("Upload-Offset"));
        continue;
      }
    } else {
      const from = offset;
      answer = await ask("PATCH", at, { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" }, file.slice(from, from + PIECE),
        (loaded) => status.sent((from + loaded) / file.size));
      if (answer.status === 204) {
        offset = Number(answer.getResponseHeader("Upload-Offset"));
        tries = 0;
        continue;
      }
      offset = -1; // ask how far it came
    }
    if (answer.status === 404 && at !== "") {
      at = ""; // it rested too long: from the start
      forget(key);
    } else if (answer.status >= 400 && answer.status < 500 && answer.status !== 409) {
      throw new Refusal(reason(answer));
    }
  }
  forget(key);
  return at.slice(at.lastIndexOf("/") + 1);
}

/** One request; status 0 says that the connection broke. */
function ask(method: string, url: string, headers: Record<string, string>, body: Blob | null = null, sent: (loaded: number) => void = () => {}): Promise<XMLHttpRequest> {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader("Tus-Resumable", "1.0.0");
    request.setRequestHeader("Accept-Language", document.documentElement.lang);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => sent(event.loaded));
    request.addEventListener("loadend", () => done(request));
    request.send(body);
  });
}

/** What a problem says, in the page's language. */
function reason(answer: XMLHttpRequest): string {
  try {
    const problem = JSON.parse(answer.responseText) as { title?: string; detail?: string };
    return [problem.title, problem.detail].filter(Boolean).join(". ");
  } catch {
    return `HTTP ${answer.status}`;
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// A browser may have no storage for us; then a closed page starts anew.
function recall(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}
function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* see above */
  }
}
function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    /* see above */
  }
}
