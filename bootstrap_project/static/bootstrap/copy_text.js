// Copies a text of the page to the clipboard, to the letter, and prints the page. Without this script its buttons stay
// hidden, and the text can be marked and copied by hand.
"use strict";

(() => {
  async function copy(source) {
    try {
      // Browsers keep the clipboard to themselves on pages without HTTPS; selecting always works.
      await navigator.clipboard.writeText(source.textContent);
      return "Copied.";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy") ? "Copied." : "It is selected: press Ctrl+C to copy it.";
    }
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    if (!source) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const status = document.querySelector("[data-copy-status]");
      status.textContent = await copy(source);
    });
  }

  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
