// Asks, once the home page is there, whether Magistrala answers. Without this script a link asks the same.
"use strict";

(() => {
  const place = document.querySelector(".home-platform[data-url]");
  if (!place) {
    return;
  }
  const link = place.querySelector("a");
  const say = (text, state) => {
    place.textContent = `${text} `;
    if (state) {
      place.classList.add(state);
    }
    link.textContent = "Details";
    place.append(link);
  };
  say("Asking…");
  bootstrapSession.ask(place.dataset.url, {
    headers: { Accept: "application/json" },
    credentials: "same-origin",
    signal: AbortSignal.timeout(5000),
  })
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(String(response.status)))))
    .then((health) => say(health.summary, health.state))
    .catch((error) => {
      const isOut = error.name === "SignedOut";
      say(isOut ? "You were signed out. Load the page again." : "It could not be found out whether Magistrala answers.");
    });
})();
