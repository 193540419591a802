// The session of whoever has the page open: it may end, or begin anew in another tab, while a form is filled in.
"use strict";

window.bootstrapSession = (() => {
  const SIGNED_OUT = "You were signed out. Sign in again in another tab, then go on here.";
  const FIELD = "csrfmiddlewaretoken";

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

  document.addEventListener("submit", (event) => {
    const field = event.target.elements.namedItem(FIELD);
    if (field) field.value = token();
  });

  return { ask };
})();
