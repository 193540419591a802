"""`python -m bootstrap_project.gotemplate`: renders JSON lines from standard input, for comparison with Go.

Each line is {"id", "template", "data"}; each answer {"id", "ok": true, "output"} or
{"id", "ok": false, "stage", "error"}.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from typing import Any

from .context import RenderContext
from .errors import TemplateError, TemplateSyntaxError
from .go.strconv import rejoin, to_bytes
from .limits import Limits
from .template import Mode, Template


def answer(request: Any, mode: Mode, limits: Limits | None = None) -> dict[str, Any]:
    """Return the answer to one decoded request, whatever it holds."""
    if not isinstance(request, dict):
        return {"id": "", "ok": False, "stage": "input", "error": "a request is a JSON object"}
    head = {"id": request.get("id", "")}
    source = request.get("template", "")
    try:
        if not isinstance(source, str):
            raise TypeError("template must be a string")  # noqa: TRY301
        data = RenderContext.from_json(request.get("data"))
    except (TypeError, RecursionError, OverflowError) as error:
        return {**head, "ok": False, "stage": "input", "error": str(error)}
    stage = "parse"
    try:
        template = Template(source.encode("utf-8", "replace").decode(), mode=mode, limits=limits)
        stage = "exec"
        written = to_bytes(rejoin(template.run(data)))
    except TemplateError as error:
        stage = "parse" if isinstance(error, TemplateSyntaxError) else stage
        return {**head, "ok": False, "stage": stage, "error": str(error)}
    try:
        return {**head, "ok": True, "output": written.decode()}
    except UnicodeDecodeError:
        text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in written.decode("utf-8", "surrogateescape"))
        return {**head, "ok": True, "output": text, "output_b64": base64.b64encode(written).decode()}


def main(argv: Sequence[str] | None = None) -> int:
    """Answer every line of standard input, each as soon as it is read."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap_project.gotemplate", description=main.__doc__)
    parser.add_argument(
        "--mode", choices=["exact", "strict"], default="exact", help="Go's semantics, or the renderer's"
    )
    mode: Mode = parser.parse_args(argv).mode
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            result: dict[str, Any] = {"id": "", "ok": False, "stage": "input", "error": f"not JSON: {error}"}
        else:
            result = answer(request, mode)
        sys.stdout.buffer.write(json.dumps(result, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
