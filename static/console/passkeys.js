// Passkeys: makes one on the page "My security", and signs in with one on the sign-in page.
"use strict";

(() => {
  // Other refusals are not for people: what is wrong with a signature helps nobody.
  const SAID_BY_US = ["not_confirmed", "too_many_passkeys", "throttled"];
  const toBytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
    return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
  };
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withBytes = (descriptors) => (descriptors || []).map((known) => ({ ...known, id: toBytes(known.id) }));

  async function post(url, token, body) {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
    });
    const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
    const answer = isJson ? await response.json() : {};
    if (!response.ok || !isJson) throw new Error(SAID_BY_US.includes(answer.code) ? answer.detail : "");
    return answer;
  }

  async function add(form, token) {
    const options = await post(form.dataset.begin, token, {});
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: toBytes(options.challenge),
        user: { ...options.user, id: toBytes(options.user.id) },
        excludeCredentials: withBytes(options.excludeCredentials),
      },
    });
    await post(form.dataset.complete, token, {
      id: made.id,
      rawId: toText(made.rawId),
      type: made.type,
      authenticatorAttachment: made.authenticatorAttachment,
      clientExtensionResults: made.getClientExtensionResults(),
      response: {
        attestationObject: toText(made.response.attestationObject),
        clientDataJSON: toText(made.response.clientDataJSON),
        transports: made.response.getTransports ? made.response.getTransports() : [],
      },
      name: form.elements.name.value,
    });
    window.location.reload();
  }

  async function signIn(form, token) {
    const options = await post(form.dataset.begin, token, {});
    const used = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: toBytes(options.challenge),
        allowCredentials: withBytes(options.allowCredentials),
      },
    });
    const answer = await post(form.dataset.complete, token, {
      id: used.id,
      rawId: toText(used.rawId),
      type: used.type,
      authenticatorAttachment: used.authenticatorAttachment,
      clientExtensionResults: used.getClientExtensionResults(),
      response: {
        authenticatorData: toText(used.response.authenticatorData),
        clientDataJSON: toText(used.response.clientDataJSON),
        signature: toText(used.response.signature),
        userHandle: used.response.userHandle ? toText(used.response.userHandle) : null,
      },
    });
    window.location.assign(answer.redirect_url);
  }

  function install(form, ceremony) {
    if (!form) return;
    const note = form.querySelector("[role=alert]");
    const button = form.querySelector("[type=submit]");
    const say = (text) => {
      note.textContent = text;
      note.hidden = !text;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say("");
      if (!window.PublicKeyCredential) return say(form.dataset.unsupported);
      button.disabled = true;
      try {
        await ceremony(form, form.elements.csrfmiddlewaretoken.value);
      } catch (error) {
        const isRefusal = error instanceof DOMException || !error.message;
        if (error.name === "InvalidStateError") say(form.dataset.known);
        else say(isRefusal ? form.dataset.refused : error.message);
      } finally {
        button.disabled = false;
      }
    });
  }

  install(document.getElementById("passkey-add"), add);
  install(document.getElementById("passkey-sign-in"), signIn);
})();
