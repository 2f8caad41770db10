// A form with a file tells how far it has been sent. Without this script the
// browser sends it in silence.
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-progress]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return; // sent already
    event.preventDefault();
    const status = document.createElement("div");
    status.className = "sending";
    const text = document.createElement("p");
    text.setAttribute("role", "status");
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", form.dataset["progress"] ?? "");
    status.append(text, bar);
    form.append(status);
    text.textContent = `${form.dataset["progress"]}…`;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      bar.value = sent.loaded / sent.total;
      if (sent.loaded === sent.total) {
        bar.removeAttribute("value");
        text.textContent = form.dataset["reading"] ?? "";
      }
    });
    // The answer is the page that the browser would have gone to.
    request.addEventListener("load", () => {
      history.replaceState(null, "", request.responseURL);
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.addEventListener("error", () => form.submit());
    request.send(new FormData(form));
  });
}
