/* Ace's colours for a template: Go's actions laid over the format of the text around them. */
"use strict";

window.bootstrapModes = (() => {
  if (!window.ace) {
    return null;
  }
  const { TextHighlightRules } = ace.require("ace/mode/text_highlight_rules");
  const { Mode: TextMode } = ace.require("ace/mode/text");
  const around = {
    json: () => new (ace.require("ace/mode/json_highlight_rules").JsonHighlightRules)(),
    yaml: () => new (ace.require("ace/mode/yaml_highlight_rules").YamlHighlightRules)(),
    toml: () => new (ace.require("ace/mode/toml_highlight_rules").TomlHighlightRules)(),
  };
  const words = "if|else|end|range|with|define|template|block|break|continue";
  // The page says which functions the engine has.
  const { functions } = document.currentScript.dataset;
  const action = [
    { token: "keyword.operator.braces", regex: "-?\\}\\}", next: "pop" },
    { token: "string.quoted", regex: '"(?:[^"\\\\]|\\\\.)*"?' },
    { token: "string.quoted", regex: "`[^`]*`?" },
    { token: "constant.numeric", regex: "[+-]?\\d[\\w.]*" },
    { token: "keyword.control", regex: `\\b(?:${words})\\b` },
    { token: "support.function", regex: `\\b(?:${functions})\\b` },
    { token: "constant.language", regex: "\\b(?:true|false|nil)\\b" },
    { token: "variable.parameter", regex: "\\$\\w*" },
    { token: "variable.language", regex: "\\.(?:Device|Vars|Bindings)\\b" },
    { token: "variable.other", regex: "\\.\\w+" },
    { token: "keyword.operator", regex: "\\||:=|=|," },
    { defaultToken: "text" },
  ];

  function rules(format, hasActions) {
    const base = around[format] ? around[format]() : new TextHighlightRules();
    if (hasActions) {
      for (const state of Object.keys(base.$rules)) {
        base.$rules[state].unshift(
          { token: "comment.block", regex: "\\{\\{(?:- )?\\s*/\\*", push: "go-comment" },
          { token: "keyword.operator.braces", regex: "\\{\\{-?", push: "go-action" },
        );
      }
      base.$rules["go-comment"] = [
        { token: "comment.block", regex: "\\*/\\s*-?\\}\\}", next: "pop" },
        { defaultToken: "comment.block" },
      ];
      base.$rules["go-action"] = action.map((rule) => ({ ...rule }));
    }
    base.normalizeRules();
    return base;
  }

  /** Return a mode for a text of that format; one that is rendered has actions in it. */
  function mode(format, hasActions) {
    const made = new TextMode();
    made.HighlightRules = function HighlightRules() {
      return rules(format, hasActions);
    };
    made.$id = `bootstrap/${hasActions ? "template" : "plain"}-${format}`;
    return made;
  }

  return {
    plain: (format) => mode(format, false),
    template: (format) => mode(format, format !== "raw"),
  };
})();
