// Puts an editor over each box with `data-json-editor`. The box stays the form's field; without Ace it is used as it is.
// Others listen to `json-editor:change` on the box, and mark a place by sending `json-editor:mark` to it.
"use strict";

(() => {
  const MIN_LINES = 6;
  const MAX_LINES = 30;

  function label(box, input) {
    // The label and the help text lead to where people type now.
    const id = box.id;
    box.removeAttribute("id");
    input.id = id;
    const described = box.getAttribute("aria-describedby");
    if (described) input.setAttribute("aria-describedby", described);
    const words = document.querySelector(`label[for="${CSS.escape(id)}"]`);
    if (words) input.setAttribute("aria-label", words.textContent.trim());
  }

  function build(box) {
    const field = document.createElement("div");
    field.className = "json-field";
    const place = document.createElement("div");
    place.className = "json-editor";
    box.before(field);
    field.append(place, box);
    const editor = window.bootstrapAce.edit(place, {
      mode: "ace/mode/json",
      value: box.value,
      minLines: MIN_LINES,
      maxLines: MAX_LINES,
      highlightActiveLine: false,
      wrap: true,
    });
    window.bootstrapAce.freeTab(editor);
    const input = editor.textInput.getElement();
    label(box, input);
    box.hidden = true;
    let shown = null;
    editor.session.on("change", () => {
      box.value = editor.getValue();
      editor.session.clearAnnotations();
      if (shown !== null) editor.session.removeMarker(shown);
      shown = null;
      box.dispatchEvent(new CustomEvent("json-editor:change", { bubbles: true }));
    });
    box.addEventListener("json-editor:mark", (event) => {
      const { line, column, text } = event.detail;
      editor.session.setAnnotations([{ row: line - 1, column: column - 1, text, type: "error" }]);
      const Range = window.ace.require("ace/range").Range;
      shown = editor.session.addMarker(new Range(line - 1, 0, line - 1, 1), "ace_error-marker", "fullLine");
    });
    editor.session.getUndoManager().reset();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const base = document.querySelector("[data-ace-base]")?.dataset.aceBase;
    if (!window.ace || !base) return;
    window.bootstrapAce.configure(base);
    for (const box of document.querySelectorAll("textarea[data-json-editor]")) build(box);
  });
})();
