"""The code that runs in the browser, and the components that mount it."""
