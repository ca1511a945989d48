/* Passkeys on the pages: asks the browser for one, then submits the form that the button is in.

   A holder is an element with data-passkey="use" or "add", inside a form with a CSRF token. It
   stays hidden where the browser knows no passkeys. It names:
     data-options  the URL that answers the question for the browser (POST)
     data-action   the URL that the form goes to, with the browser's answer in the field "passkey"
     data-domain   the domain that passkeys belong to
     data-again    the page to start over on when the session waits for nothing any more
   and, as data-says-…, the sentences that may be shown. */

"use strict";

(() => {
  const toBytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  };

  const toText = (buffer) => {
    const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const named = (entries) => (entries || []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

  const use = async (options) => {
    const credential = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: toBytes(options.challenge),
        allowCredentials: named(options.allowCredentials),
      },
    });
    const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
    return answerOf(credential, {
      clientDataJSON: toText(clientDataJSON),
      authenticatorData: toText(authenticatorData),
      signature: toText(signature),
      userHandle: userHandle ? toText(userHandle) : null,
    });
  };

  const add = async (options) => {
    const credential = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: toBytes(options.challenge),
        user: { ...options.user, id: toBytes(options.user.id) },
        excludeCredentials: named(options.excludeCredentials),
      },
    });
    const { clientDataJSON, attestationObject } = credential.response;
    const transports = credential.response.getTransports ? credential.response.getTransports() : [];
    return answerOf(credential, {
      clientDataJSON: toText(clientDataJSON),
      attestationObject: toText(attestationObject),
      transports,
    });
  };

  const answerOf = (credential, response) => ({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment || null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });

  const ask = async (holder) => {
    const answer = await fetch(holder.dataset.options, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": holder.closest("form").elements.csrfmiddlewaretoken.value,
      },
      body: "{}",
    });
    // 403: the form token is not the session's any more.
    if (answer.status === 401 || answer.status === 403) {
      location.assign(holder.dataset.again);
      return null;
    }
    const body = await answer.json();
    const data = body.data || {};
    const question = data.request_options || data.creation_options;
    if (!question) {
      throw new Error((body.errors && body.errors[0] && body.errors[0].message) || "");
    }
    return question.publicKey;
  };

  const sentenceFor = (holder, error) => {
    const says = holder.dataset;
    if (error.name === "NotAllowedError" || error.name === "AbortError") return says.saysCancelled;
    if (error.name === "InvalidStateError") return says.saysKnown || says.saysFailed;
    if (error.name === "Error" && error.message) return error.message;
    return says.saysFailed;
  };

  const belongsHere = (domain) =>
    location.hostname === domain || location.hostname.endsWith("." + domain);

  const pointElsewhere = (holder, status) => {
    const port = location.port ? ":" + location.port : "";
    const link = document.createElement("a");
    link.href = `${location.protocol}//${holder.dataset.domain}${port}${location.pathname}`;
    link.textContent = `${location.protocol}//${holder.dataset.domain}${port}`;
    status.append(holder.dataset.saysElsewhere + " ", link);
  };

  const setUp = (holder) => {
    const form = holder.closest("form");
    const button = holder.querySelector("button");
    const status = holder.querySelector("[data-passkey-status]");
    holder.hidden = false;
    holder.dataset.passkeyReady = "";
    if (!belongsHere(holder.dataset.domain)) {
      button.disabled = true;
      pointElsewhere(holder, status);
      return;
    }
    // Enter in a field of a form that only adds a passkey does the same as the button.
    if (holder.dataset.passkey === "add") {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        button.click();
      });
    }
    button.addEventListener("click", async () => {
      const password = form.elements.password;
      if (password && !password.value) {
        status.textContent = holder.dataset.saysPassword;
        password.focus();
        return;
      }
      button.disabled = true;
      status.textContent = holder.dataset.saysWaiting;
      try {
        const options = await ask(holder);
        if (!options) return;
        const answer = await (holder.dataset.passkey === "add" ? add : use)(options);
        form.elements.passkey.value = JSON.stringify(answer);
        form.action = holder.dataset.action;
        form.submit();
      } catch (error) {
        status.textContent = sentenceFor(holder, error);
        button.disabled = false;
        button.focus();
      }
    });
  };

  if (window.PublicKeyCredential && navigator.credentials) {
    // Each holder brings the script along; the second time, the first is set up.
    document.querySelectorAll("[data-passkey]:not([data-passkey-ready])").forEach(setUp);
  }
})();
