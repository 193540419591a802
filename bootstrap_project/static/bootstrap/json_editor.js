// Puts an editor over each box with `data-json-editor`. The box stays the form's field; without Ace it is used as it is.
// Others listen to `json-editor:change` on the box, and mark a place by sending `json-editor:mark` to it.
"use strict";

(() => {
  const LIGHT = "ace/theme/github_light_default";
  const DARK = "ace/theme/github_dark";
  const FEWEST_LINES = 6;
  const MOST_LINES = 30;

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    if (chosen === "dark" || chosen === "light") return chosen === "dark";
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function followTheme(editor) {
    const follow = () => editor.setTheme(isDark() ? DARK : LIGHT);
    follow();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
    new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

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
    const editor = window.ace.edit(place, {
      mode: "ace/mode/json",
      value: box.value,
      minLines: FEWEST_LINES,
      maxLines: MOST_LINES,
      tabSize: 2,
      useSoftTabs: true,
      showPrintMargin: false,
      highlightActiveLine: false,
      fontSize: 13,
      wrap: true,
      // The service checks by its own, stricter rules.
      useWorker: false,
    });
    // Tab leaves the editor, as it leaves any other field.
    editor.commands.bindKey("Tab", null);
    editor.commands.bindKey("Shift-Tab", null);
    editor.session.setUseWorker(false);
    followTheme(editor);
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
    window.ace.config.set("useStrictCSP", true);
    window.ace.config.set("basePath", base);
    for (const box of document.querySelectorAll("textarea[data-json-editor]")) build(box);
  });
})();
