// Passkeys: a form with data-passkey asks the device, and goes to the server
// with what the device said. Without a device that knows passkeys, and without
// scripts, the form stays hidden and the page has its other ways.

const bytes = (text: string) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const base64url = (data: ArrayBuffer) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

type Named = { type: "public-key"; id: string };
type Asked = {
  handle: string;
  options: { challenge: string; user?: { id: string; name: string; displayName: string }; excludeCredentials?: Named[] } & Record<string, unknown>;
};

/** The credential, or null when the person turned away, as the server reads it. */
async function answer(kind: string, { options }: Asked): Promise<object | null> {
  const plain: unknown = {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map((c) => ({ ...c, id: bytes(c.id) })) }),
  };
  const made =
    kind === "create"
      ? await navigator.credentials.create({ publicKey: plain as PublicKeyCredentialCreationOptions })
      : await navigator.credentials.get({ publicKey: plain as PublicKeyCredentialRequestOptions });
  if (!(made instanceof PublicKeyCredential)) return null;
  const said = made.response;
  const response: Record<string, unknown> = { clientDataJSON: base64url(said.clientDataJSON) };
  if (said instanceof AuthenticatorAttestationResponse) {
    response["attestationObject"] = base64url(said.attestationObject);
    response["transports"] = said.getTransports?.() ?? [];
  }
  if (said instanceof AuthenticatorAssertionResponse) {
    response["authenticatorData"] = base64url(said.authenticatorData);
    response["signature"] = base64url(said.signature);
    response["userHandle"] = said.userHandle ? base64url(said.userHandle) : undefined;
  }
  return { id: made.id, rawId: base64url(made.rawId), type: made.type, clientExtensionResults: {}, response };
}

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
  if (!("PublicKeyCredential" in window)) continue;
  form.hidden = false;
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
  const failed = form.querySelector<HTMLElement>("[data-failed]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (failed) failed.hidden = true;
    try {
      const asked = await fetch(form.dataset["ask"] ?? "", { method: "POST" });
      if (!asked.ok) throw new Error(String(asked.status));
      const question = (await asked.json()) as Asked;
      const said = await answer(form.dataset["passkey"] ?? "", question);
      if (!said) throw new Error("no credential");
      field("handle").value = question.handle;
      field("credential").value = JSON.stringify(said);
      form.submit(); // goes past this handler
    } catch {
      if (failed) failed.hidden = false; // turned away, timed out, or no key of ours
    }
  });
}
