"""One file a page, or a family of pages; found by `page.py`, listed nowhere."""
