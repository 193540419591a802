// The page that shows a key once: copying and printing. Without this script the key can be marked and copied by hand.
"use strict";

const told = document.querySelector(".key-sheet .told");

function mark(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      // Only over TLS, or on the very machine, may a page write to the clipboard.
      await navigator.clipboard.writeText(source.textContent);
      told.textContent = "Copied.";
    } catch {
      mark(source);
      told.textContent = document.execCommand("copy") ? "Copied." : "Marked: copy it with the keyboard.";
    }
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
