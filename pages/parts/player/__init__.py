"""The player: video, ranking and timeline as three components that share one clock in the browser.

The Python files hand over plain data; the html, css and js files beside them are what runs in the browser,
served as they are.
"""
