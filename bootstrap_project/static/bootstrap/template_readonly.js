/* The template for who may not write it: in the editor, with the marks that came with the page in place of its lines. */
"use strict";

(() => {
  const problems = document.querySelector("[data-viewed]");
  const box = (window.bootstrapEditors || new Map()).get("id_content_template");
  if (!problems || !box) {
    return;
  }
  box.mark(JSON.parse(document.getElementById("template-problems").textContent));
  document.getElementById("template-lines").remove();
  problems.id = "template-lines";
  problems.hidden = false;
  problems.addEventListener("click", (event) => {
    const place = event.target.closest("a.place");
    if (place) {
      event.preventDefault();
      box.go(Number(place.dataset.line), Number(place.dataset.column));
    }
  });
})();
