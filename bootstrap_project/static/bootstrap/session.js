// The session of whoever has the page open, for the scripts that ask the service something.
"use strict";

window.bootstrapSession = (() => {
  const SIGNED_OUT = "You were signed out. Sign in again in another tab, then go on here.";

  /** Fetch from the service. Throws an error named "SignedOut", with words for people, when the session has ended. */
  async function ask(url, options = {}) {
    const answer = await fetch(url, options);
    // Nothing that our scripts ask for leads elsewhere but to the login.
    if (answer.redirected) throw Object.assign(new Error(SIGNED_OUT), { name: "SignedOut" });
    return answer;
  }

  return { ask };
})();
