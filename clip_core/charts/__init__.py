"""Arrays → plotly figures as plain dicts. Pure: nothing here draws or depends on a page."""
