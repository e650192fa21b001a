"""Arrays → plotly figures as plain dicts. Pure: nothing here draws, and nothing here knows a page."""
