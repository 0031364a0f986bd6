"""The browser that the page is tested in, and how to wait for what happens in it."""

import shutil
from time import monotonic

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 90_000  # milliseconds: a machine may be busy


def opened(page, address):
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    if page.is_visible("#tour"):
        page.click("#tour-end")


def unfold(page, field):
    """Open the group in which a field of the form is."""
    page.evaluate(f"document.querySelector('{field}').closest('details')?.setAttribute('open', '')")


def until(page, expression):
    """Wait until an expression is true; the page's policy forbids the browser's own way of it."""
    deadline = monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):
        assert monotonic() < deadline, expression
        page.wait_for_timeout(50)
