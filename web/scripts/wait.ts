// A page that waits for work beside the requests is looked at again every two
// seconds, and shown anew once the work is done. Without this script the browser
// loads it again by itself.
const box = document.querySelector<HTMLElement>("[data-wait]");
const status = box?.querySelector<HTMLElement>("[role=status]");

async function look(): Promise<void> {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = now.querySelector("[data-wait] [role=status]")?.textContent;
    if (!told) {
      location.replace(answer.url); // done, or the session has ended
      return;
    }
    if (status && status.textContent !== told) status.textContent = told;
  } catch {
    /* the connection is away: the next look may find it again */
  }
  setTimeout(() => void look(), 2000);
}

if (box) setTimeout(() => void look(), 1000);
