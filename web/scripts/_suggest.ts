// The search box offers what it may be that somebody types: a combobox with a
// list (ARIA Authoring Practices, "Editable Combobox With List Autocomplete").
// Without this script it is a plain form; Enter always sends what was typed
// unless a suggestion was gone to with the arrow keys.

interface Suggestion {
  kind: string;
  title_vi: string;
  title_en: string;
  path: string;
}

const pause = 120; // milliseconds without a key before the platform is asked

class Suggestions {
  private readonly list = document.createElement("ul");
  private readonly status = document.createElement("p");
  private readonly kinds: Record<string, string> = {};
  private chosen = -1;
  private asked: AbortController | undefined;
  private timer = 0;

  constructor(private readonly input: HTMLInputElement) {
    for (const pair of (input.dataset["kinds"] ?? "").split(";")) {
      const [kind, word] = pair.split("=");
      if (kind && word) this.kinds[kind] = word;
    }
    this.list.id = `${input.id}-list`;
    this.list.className = "suggestions";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", input.dataset["label"] ?? "");
    this.status.className = "visually-hidden";
    this.status.setAttribute("role", "status");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", this.list.id);
    input.form?.append(this.list, this.status);
    input.addEventListener("input", () => this.later());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  }

  private later(): void {
    clearTimeout(this.timer);
    this.asked?.abort();
    if (this.input.value.trim() === "") return this.close();
    this.timer = window.setTimeout(() => void this.ask(), pause);
  }

  private async ask(): Promise<void> {
    const asked = new AbortController();
    this.asked = asked;
    try {
      const address = `${this.input.dataset["suggest"]}?q=${encodeURIComponent(this.input.value)}`;
      const answer = await fetch(address, { signal: asked.signal, credentials: "omit" });
      if (!answer.ok) return this.close();
      const { items } = (await answer.json()) as { items: Suggestion[] };
      if (!asked.signal.aborted && document.activeElement === this.input) this.show(items);
    } catch {
      if (!asked.signal.aborted) this.close(); // the form still works
    }
  }

  private show(items: Suggestion[]): void {
    const english = this.input.dataset["prefix"] !== "";
    this.list.replaceChildren(
      ...items.map((item, i) => {
        const option = document.createElement("li");
        option.id = `${this.list.id}-${i}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset["path"] = `${this.input.dataset["prefix"]}${item.path}`;
        const title = document.createElement("span");
        title.textContent = (english && item.title_en) || item.title_vi;
        if (english && !item.title_en) title.lang = "vi";
        const kind = document.createElement("span");
        kind.className = "kind";
        kind.textContent = this.kinds[item.kind] ?? "";
        option.append(title, " ", kind);
        option.addEventListener("click", () => this.go(option));
        return option;
      }),
    );
    this.choose(-1);
    this.list.hidden = items.length === 0;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    this.status.textContent =
      items.length > 0 ? (this.input.dataset["count"] ?? "").replace("#", String(items.length)) : (this.input.dataset["none"] ?? "");
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return; // an input method is at work
    const n = this.list.hidden ? 0 : this.list.children.length;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        if (n === 0) return;
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        // From the box down to the first, up to the last; beyond an end back to the box.
        const next = this.chosen === -1 && step === -1 ? n - 1 : this.chosen + step;
        return this.choose(next >= n ? -1 : next);
      }
      case "Enter": {
        const option = this.list.children[this.chosen];
        if (n === 0 || !(option instanceof HTMLElement)) return;
        event.preventDefault();
        return this.go(option);
      }
      case "Escape":
        if (n === 0) return;
        event.preventDefault(); // a search box would be emptied
        return this.close();
    }
  }

  private choose(i: number): void {
    this.chosen = i;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === i)));
    const option = this.list.children[i];
    if (option) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  private go(option: HTMLElement): void {
    const path = option.dataset["path"];
    this.close();
    if (path) location.assign(path);
  }

  private close(): void {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.list.hidden = true;
    this.status.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.choose(-1);
  }
}

export function offerSuggestions(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-suggest]")) new Suggestions(input);
}
