/* Turns boxes for code into editors. The box stays in the form and is what is posted; without Ace it is all there is. */
"use strict";

window.bootstrapEditors = (() => {
  const workbench = document.querySelector("[data-ace]");
  const editors = new Map();
  if (!window.ace || !workbench) {
    return editors;
  }
  bootstrapAce.configure(workbench.dataset.ace);
  const { Range } = ace.require("ace/range");

  /** The server counts characters, Ace halves of surrogate pairs. */
  function offset(line, column) {
    return Array.from(line).slice(0, Math.max(0, column - 1)).join("").length;
  }

  class CodeBox {
    constructor(area) {
      this.area = area;
      this.markers = [];
      const host = document.createElement("div");
      host.className = "code-editor";
      area.after(host);
      area.classList.add("replaced");
      this.editor = bootstrapAce.edit(host, {
        autoScrollEditorIntoView: true,
        behavioursEnabled: false,
        displayIndentGuides: false,
        highlightActiveLine: !area.readOnly,
        maxLines: area.dataset.code === "template" ? 36 : 24,
        minLines: area.dataset.code === "template" && !area.readOnly ? 18 : 5,
        newLineMode: "unix",
        readOnly: area.readOnly,
        scrollPastEnd: 0,
        wrap: false,
      });
      this.show(area.value);
      this.editor.session.on("change", () => {
        area.value = this.editor.getValue();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      });
      this.label(host);
      if (area.readOnly) {
        // Tab has nothing to indent and goes on at once.
        bootstrapAce.freeTab(this.editor);
      } else {
        this.free(host);
      }
    }

    /** Give the part that takes the keys the box's own label and descriptions. */
    label(host) {
      const input = this.editor.textInput.getElement();
      input.id = `${this.area.id}_code`;
      const label = document.querySelector(`label[for="${this.area.id}"]`);
      if (label) {
        label.htmlFor = input.id;
      }
      this.editor.setOption("textInputAriaLabel", label ? label.textContent.trim() : this.area.ariaLabel || "");
      this.editor.textInput.setAriaLabel();
      const hint = this.area.readOnly ? "" : "keys-hint";
      const described = [this.area.getAttribute("aria-describedby"), hint].filter(Boolean).join(" ");
      if (described) {
        input.setAttribute("aria-describedby", described);
      }
      host.setAttribute("data-for", this.area.id);
    }

    /** Tab indents, so Escape sets it free until something else is typed. */
    free(host) {
      const { commands } = this.editor;
      const trap = (isTrapped) => {
        commands.bindKey("Tab", isTrapped ? "indent" : null);
        commands.bindKey("Shift-Tab", isTrapped ? "outdent" : null);
        host.classList.toggle("is-free", !isTrapped);
      };
      commands.addCommand({
        name: "leave",
        bindKey: "Esc",
        readOnly: true,
        exec: (editor) => {
          if (editor.inMultiSelectMode) {
            editor.exitMultiSelectMode();
          }
          trap(false);
        },
      });
      this.editor.on("focus", () => trap(true));
      this.editor.session.on("change", () => trap(true));
    }

    /** Replace the whole text, without a word to those who listen for what people type. */
    show(text) {
      if (this.editor.getValue() !== text) {
        this.editor.setValue(text, -1);
        this.editor.session.getUndoManager().reset();
      }
    }

    insert(text) {
      this.editor.insert(text);
      this.editor.focus();
    }

    go(line, column) {
      const row = Math.min(line, this.editor.session.getLength()) - 1;
      const units = offset(this.editor.session.getLine(row), column);
      this.editor.gotoLine(row + 1, units, false);
      this.editor.focus();
      this.editor.container.scrollIntoView({ block: "nearest" });
    }

    /** Mark the places of problems, in the gutter and under the text. */
    mark(problems) {
      const { session } = this.editor;
      this.markers.forEach((marker) => session.removeMarker(marker));
      const placed = problems.filter((problem) => problem.line > 0 && problem.line <= session.getLength());
      session.setAnnotations(
        placed.map((problem) => ({
          row: problem.line - 1,
          column: problem.column,
          type: problem.kind,
          text: problem.message.replaceAll("`", ""),
        })),
      );
      // What is drawn later lies on top.
      placed.sort((one, other) => (one.kind === "error") - (other.kind === "error"));
      this.markers = placed.map((problem) => {
        const text = session.getLine(problem.line - 1);
        // A place at the end of a line marks the last character of it.
        const end = Math.max(1, Math.min(text.length, offset(text, problem.column + problem.width)));
        const start = Math.min(offset(text, problem.column), end - 1);
        const range = new Range(problem.line - 1, start, problem.line - 1, end);
        return session.addMarker(range, `code-mark code-mark-${problem.kind}`, "text", true);
      });
    }
  }

  for (const area of document.querySelectorAll("textarea[data-code]")) {
    editors.set(area.id, new CodeBox(area));
  }
  // Browsers put back what was typed before somebody went away and came back.
  window.addEventListener("pageshow", () => editors.forEach((box) => box.show(box.area.value)));

  const format = document.getElementById("id_template_format");
  const setModes = () => {
    editors.forEach((box) => {
      const isTemplate = box.area.dataset.code === "template";
      const mode = isTemplate ? bootstrapModes.template(format ? format.value : box.area.dataset.format || "") : bootstrapModes.plain("json");
      box.editor.session.setMode(mode);
    });
  };
  setModes();
  if (format) {
    format.addEventListener("change", setModes);
  }
  return editors;
})();
