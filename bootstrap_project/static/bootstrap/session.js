// The session of whoever has the page open: it may end, or begin anew in another tab, while a form is filled in.
"use strict";

window.bootstrapSession = (() => {
  const SIGNED_OUT = "You were signed out. Sign in again in another tab, then go on here.";
  const FIELD = "csrfmiddlewaretoken";
  const PATIENCE = 5000;
  // What somebody has typed is in these, or is carried on by a form that asks for a last word.
  const TYPED = "textarea, input[type=text], input[name=_reviewed]";
  // Where it can be asked whether the session lasts; pages for everybody say nothing of it.
  const { check, login } = document.currentScript.dataset;
  const asking = new WeakSet();
  const passed = new WeakSet();

  /** The token of now: each login brings a new one, and a page keeps the one that it was made with. */
  function token() {
    const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
    return cookie ? cookie.slice("csrftoken=".length) : document.querySelector(`[name=${FIELD}]`)?.value || "";
  }

  /** Fetch from the service. Throws an error named "SignedOut", with words for people, when the session has ended. */
  async function ask(url, options = {}) {
    const answer = await fetch(url, { ...options, headers: { ...options.headers, "X-CSRFToken": token() } });
    // Nothing that our scripts ask for leads elsewhere but to the login.
    if (answer.redirected) throw Object.assign(new Error(SIGNED_OUT), { name: "SignedOut" });
    return answer;
  }

  /** Tell whether the service would lead to the login; what cannot be found out is no reason to hold a form back. */
  async function hasEnded() {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const answer = await fetch(check, { method: "HEAD", redirect: "manual", cache: "no-store", signal });
      return answer.type === "opaqueredirect";
    } catch {
      return false;
    }
  }

  function tell(form, button) {
    const words = button?.value || button?.textContent.trim() || "the button";
    const link = Object.assign(document.createElement("a"), { href: login, target: "_blank", textContent: "Sign in again in another tab" });
    const note = Object.assign(document.createElement("p"), { className: "errornote signed-out" });
    note.setAttribute("role", "alert");
    note.append("You were signed out, so nothing was sent; what you typed is still here. ", link, `, then press ${words} again.`);
    const row = button?.closest(".submit-row");
    if (row) row.prepend(note);
    else form.prepend(note);
    note.scrollIntoView({ block: "nearest" });
  }

  async function sendIfSignedIn(form, button) {
    asking.add(form);
    const isOut = await hasEnded();
    asking.delete(form);
    form.querySelector(".signed-out")?.remove();
    if (isOut) {
      tell(form, button);
    } else {
      passed.add(form);
      form.requestSubmit(button);
      passed.delete(form);
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const field = form.elements.namedItem(FIELD);
    if (event.defaultPrevented || !field) return;
    if (check && form.querySelector(TYPED) && !passed.has(form)) {
      event.preventDefault();
      if (!asking.has(form)) sendIfSignedIn(form, event.submitter);
      return;
    }
    field.value = token();
  });

  return { ask };
})();
