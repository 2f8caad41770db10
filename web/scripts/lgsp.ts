// Small comforts for every page; each page works without them.
import { offerSuggestions } from "./_suggest";

offerSuggestions();

// A copy button appears beside every sample once there is a script to serve it.
for (const sample of document.querySelectorAll<HTMLElement>("[data-copy]")) {
  const code = sample.querySelector("code, .secret");
  const head = sample.querySelector(".sample-head");
  if (!code || !head || !navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  const label = sample.dataset["copy"] ?? "";
  button.textContent = label;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = sample.dataset["copied"] ?? label;
    setTimeout(() => (button.textContent = label), 2000);
  });
  button.setAttribute("aria-live", "polite");
  head.append(button);
}

// A form is sent once: a second press while the first is under way does nothing.
for (const form of document.querySelectorAll<HTMLFormElement>('form[method="post"]')) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => (sent = false));
}
