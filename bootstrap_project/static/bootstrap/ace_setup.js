// What all code editors have in common: how Ace is set up, and its theme, which follows the page's.
"use strict";

window.bootstrapAce = (() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const editors = [];

  function theme() {
    const chosen = document.documentElement.dataset.theme;
    const isDark = chosen === "dark" || (chosen !== "light" && dark.matches);
    return isDark ? "ace/theme/github_dark" : "ace/theme/github_light_default";
  }

  const repaint = () => editors.forEach((editor) => editor.setTheme(theme()));
  dark.addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return {
    /** Say where Ace's files are; call it before the first editor is made. */
    configure(base) {
      ace.config.set("useStrictCSP", true);
      ace.config.set("basePath", base.replace(/\/$/, ""));
      ace.config.set("loadWorkerFromBlob", false);
    },

    /** Return an editor in `host`; the service checks what is typed, by its own, stricter rules. */
    edit(host, options) {
      const editor = ace.edit(host, {
        fontSize: 13,
        showPrintMargin: false,
        tabSize: 2,
        theme: theme(),
        useSoftTabs: true,
        useWorker: false,
        ...options,
      });
      editor.session.setUseWorker(false);
      editors.push(editor);
      return editor;
    },

    /** Let Tab leave the editor, as it leaves any other field. */
    freeTab(editor) {
      editor.commands.bindKey("Tab", null);
      editor.commands.bindKey("Shift-Tab", null);
    },
  };
})();
