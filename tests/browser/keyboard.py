"""What somebody does at the keyboard."""

from __future__ import annotations


def type_json(page, text: str) -> None:
    """Replace what stands in the editor of a device's variables."""
    # The editor takes the place of a box that may have the focus already.
    page.wait_for_load_state()
    page.get_by_label("Variables:").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def tab_to(page, text: str) -> None:
    """Press Tab until the link of that text has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == text:
            return
    raise AssertionError(f"Tab never reaches {text!r}")
