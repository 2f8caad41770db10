// Comforts of the documentation, the request form and the developer's desk; each
// page works without them.

// Fields of an answer: all or none at once, for the whole answer and for each
// group; choosing a field chooses its operation, dropping the operation drops
// its fields.
for (const box of document.querySelectorAll<HTMLDetailsElement>("[data-choose]")) {
  const boxesIn = (part: Element) => [...part.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')];
  const operation = box.closest("fieldset")?.querySelector<HTMLInputElement>('input[name="operations"]');
  const button = (text: string, part: Element, checked: boolean) => {
    const b = document.createElement("button");
    b.type = "button";
    b.className = "link-button";
    b.textContent = text;
    b.addEventListener("click", () => {
      for (const field of boxesIn(part)) field.checked = checked;
      if (checked && operation) operation.checked = true;
    });
    return b;
  };
  const pair = (part: Element) => {
    const row = document.createElement("div");
    row.className = "row choose";
    row.append(button(box.dataset["all"] ?? "", part, true), button(box.dataset["none"] ?? "", part, false));
    return row;
  };
  box.querySelector("summary")?.after(pair(box));
  for (const group of box.querySelectorAll("[data-group]")) group.querySelector("legend")?.after(pair(group));
  box.addEventListener("change", () => {
    if (operation && boxesIn(box).some((field) => field.checked)) operation.checked = true;
  });
  operation?.addEventListener("change", () => {
    if (operation.checked) box.open = true;
    else for (const field of boxesIn(box)) field.checked = false;
  });
}

// A list that is read anew every few seconds while the page is in view, until
// the reader stops it.
for (const part of document.querySelectorAll<HTMLElement>("[data-refresh]")) {
  const link = part.querySelector<HTMLAnchorElement>(".head a");
  if (!link || !part.id || new URLSearchParams(location.search).has("after")) continue;
  let going = true;
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "link-button";
  stop.textContent = part.dataset["pause"] ?? "";
  stop.addEventListener("click", () => {
    going = !going;
    stop.textContent = part.dataset[going ? "pause" : "resume"] ?? "";
  });
  link.after(stop);
  const read = async () => {
    const now = part.querySelector("[data-fresh]");
    if (!going || document.hidden || !now || now.contains(document.activeElement) || now.matches(":hover")) return;
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(`#${part.id} [data-fresh]`);
    if (fresh && fresh.innerHTML !== now.innerHTML) now.replaceWith(document.adoptNode(fresh));
  };
  setInterval(read, Number(part.dataset["refresh"]) * 1000);
}
